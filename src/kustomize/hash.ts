import { sha256Hex } from '../base/digest.ts';
import { isRecord } from '../base/json.ts';
import { compareBytes } from '../base/text.ts';
import { textOf } from '../yaml/original-text.ts';
import type { Resource } from './resource.ts';

/**
 * The suffix that kustomize gives generated ConfigMaps and Secrets: the first ten digits of a SHA-256 over a JSON form with
 * sorted keys, written so that no vowels and no look-alikes make words.
 */
export function contentHash({ object, kind }: Resource): string {
  const value = (field: string) => {
    const data = object[field];
    if (data === undefined) return '';
    return isRecord(data) || Array.isArray(data) ? data : textOf(object, field);
  };
  const optional = (field: string) => (isRecord(object[field]) ? { [field]: object[field] } : {});
  const encoded =
    kind === 'Secret'
      ? { data: value('data'), kind, name: '', type: value('type'), ...optional('stringData') }
      : { data: value('data'), kind, name: '', ...optional('binaryData') };
  return disguise(sha256Hex(goJson(encoded)));
}

const lookAlikes: Readonly<Record<string, string>> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' };

function disguise(hex: string): string {
  return [...hex.slice(0, 10)].map((digit) => lookAlikes[digit] ?? digit).join('');
}

/** JSON as Go writes it: keys sorted by their bytes, `<`, `>`, `&` and line separators escaped. */
export function goJson(value: unknown, indent = ''): string {
  const text = JSON.stringify(
    value,
    (_key, item: unknown) => {
      if (typeof item === 'bigint') return Number(item);
      if (!isRecord(item)) return item;
      return Object.fromEntries(Object.entries(item).sort(([a], [b]) => compareBytes(a, b)));
    },
    indent,
  );
  return text.replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
