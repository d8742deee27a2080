/** How a new value is written in the place of an old scalar so that nothing else changes (spec/image.md §7.4). */
import type { MarkedScalar } from './marked-scalars.ts';

/** The bytes that replace `text.slice(scalar.start, scalar.end)`. */
export function formatScalar(value: string, scalar: MarkedScalar, text: string): string {
  switch (scalar.style) {
    case 'double':
      return doubleQuote(value);
    case 'single':
      return isPrintable(value) ? `'${value.replaceAll("'", "''")}'` : doubleQuote(value);
    case 'block':
      return formatBlock(value, text.slice(scalar.start, scalar.end), scalar, text);
    case 'plain':
      return isSafePlain(value, scalar.inFlow) ? value : doubleQuote(value);
  }
}

/** The header with chomping `-` and its comment, then the value as the only line, at the indentation it had. */
function formatBlock(value: string, old: string, scalar: MarkedScalar, text: string): string {
  const headerEnd = old.indexOf('\n') < 0 ? old.length : old.indexOf('\n');
  const header = old.slice(0, headerEnd).replace(/^([|>])([-+0-9]*)/, (_, style: string, rest: string) => {
    return `${style}${rest.replace(/[-+]/g, '')}-`;
  });
  const lineBreak = header.endsWith('\r') ? '\r\n' : '\n';
  const content = old.slice(headerEnd + 1);
  const given = /^[ \t]*(?=[^\s])/m.exec(content)?.[0];
  // With an indicator (`|2`) the first line may be indented further: those blanks are part of the old value.
  const ownBlanks = /^[ \t]*(?=[^\s])/m.exec(scalar.value)?.[0].length ?? 0;
  const indentation = given?.slice(0, given.length - ownBlanks) ?? `${indentationAt(text, scalar.start)}  `;
  const end = content === '' ? lineBreak : (/(?:\r?\n[ \t]*)*$/.exec(content)?.[0] ?? '');
  return `${header.replace(/\r$/, '')}${lineBreak}${indentation}${value}${end}`;
}

function indentationAt(text: string, offset: number): string {
  return /^[ ]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))?.[0] ?? '';
}

function doubleQuote(value: string): string {
  // JSON's escapes are a subset of YAML's.
  return JSON.stringify(value);
}

function isPrintable(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return !/[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/.test(value);
}

/** Whether a plain scalar reads back as this very string, by YAML 1.1 and by YAML 1.2. */
export function isSafePlain(value: string, inFlow: boolean): boolean {
  if (value === '' || !isPrintable(value) || readsAsOther(value)) return false;
  if (/^[\s,[\]{}#&*!|>'"%@`]|^[-?:](?:\s|$)|^[=]$|^(?:---|\.\.\.)/.test(value)) return false;
  if (/:\s|\s#|[:\s]$/.test(value)) return false;
  return !inFlow || !/[,[\]{}]|^[-?:]/.test(value);
}

const otherTypes = [
  /^(?:~|null|Null|NULL|<<|=)$/,
  /^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
  /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/i,
  /^[-+]?(?:\.[0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/,
  /^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/,
  // Sexagesimal numbers of YAML 1.1.
  /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)?$/,
];

function readsAsOther(value: string): boolean {
  return otherTypes.some((pattern) => pattern.test(value));
}
