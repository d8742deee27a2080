import { sopsError } from './sops-error.ts';

/** `KEY=value` lines as SOPS reads them: no quoting, comments and blank lines are left out. */
export function parseDotenv(text: string): Record<string, string> {
  const entries: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    if (equals < 0) throw sopsError(`failed to load encrypted dotenv data: line ${index + 1} has no '='`);
    entries[line.slice(0, equals)] = line.slice(equals + 1);
  }
  return entries;
}

/** Line ends within a value are written as `\n`. */
export function printDotenv(entries: Readonly<Record<string, unknown>>): string {
  return Object.entries(entries)
    .map(([key, value]) => {
      if (typeof value === 'object' && !Buffer.isBuffer(value)) {
        throw sopsError(`failed to emit encrypted data as decrypted dotenv: '${key}' holds no single value`);
      }
      return `${key}=${String(value).replaceAll('\n', '\\n')}\n`;
    })
    .join('');
}
