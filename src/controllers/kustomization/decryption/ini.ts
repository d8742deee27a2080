import { isRecord } from '../../../base/json.ts';

/** The section of keys before any section. */
const defaultSection = 'DEFAULT';

/** Sections of keys; comments are left out. Values keep what is written, but for quotes around all of it. */
export function parseIni(text: string): Record<string, Record<string, string>> {
  const sections: Record<string, Record<string, string>> = {};
  let current: Record<string, string> | undefined;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith(';') || line.startsWith('#')) continue;
    const [, name] = /^\[(.*)\]$/.exec(line) ?? [];
    if (name !== undefined) {
      current = sections[name] ??= {};
      continue;
    }
    const [, key = line, value = ''] = /^([^=:]*?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    current ??= sections[defaultSection] ??= {};
    current[key] = unquote(value);
  }
  return sections;
}

export function printIni(sections: Readonly<Record<string, unknown>>): string {
  return Object.entries(sections)
    .map(([name, keys]) => {
      const lines = Object.entries(isRecord(keys) ? keys : {}).map(
        ([key, value]) => `${key} = ${quote(String(value))}\n`,
      );
      return `${name === defaultSection ? '' : `[${name}]\n`}${lines.join('')}`;
    })
    .join('\n');
}

function unquote(value: string): string {
  const [, quoted] = /^"""(.*)"""$|^`(.*)`$/s.exec(value) ?? [];
  return quoted ?? value;
}

function quote(value: string): string {
  return /[\n;#]|^\s|\s$/.test(value) ? `"""${value}"""` : value;
}
