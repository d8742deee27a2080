import { sha256Hex } from '../base/digest.ts';
import type { KubeObject } from '../base/kube-object.ts';

/**
 * The suffix that kustomize gives generated ConfigMaps and Secrets: the first ten digits of a SHA-256 over a JSON form with
 * sorted keys, written so that no vowels and no look-alikes make words.
 */
export function contentHash(object: KubeObject): string {
  const { kind } = object;
  const data = (object['data'] ?? '') as object | string;
  const encoded =
    kind === 'Secret'
      ? { data, kind, name: '', type: object['type'] ?? '' }
      : {
          ...(object['binaryData'] === undefined ? {} : { binaryData: object['binaryData'] }),
          data,
          kind,
          name: '',
        };
  return disguise(sha256Hex(goJson(encoded)));
}

const replacements: Readonly<Record<string, string>> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' };

function disguise(hex: string): string {
  return [...hex.slice(0, 10)].map((digit) => replacements[digit] ?? digit).join('');
}

/** JSON as Go writes it: keys sorted, `<`, `>` and `&` escaped. */
function goJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  ).replaceAll(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
