import { isRecord } from '../../base/json.ts';
import { parseDocuments } from '../../yaml/documents.ts';
import { printDocuments } from '../../yaml/print.ts';

const encrypted = /ENC\[AES256_GCM,data:[^\]]*?(?:,type:(\w+))?\]/g;

/** Whether SOPS has encrypted values of the file. */
export function isSopsFile(text: string): boolean {
  return /^sops(:|_version=)|"sops"\s*:/m.test(text) && text.includes('ENC[AES256_GCM');
}

/**
 * The file with a made-up value for every encrypted one and without SOPS' own part, so that it can be applied where nobody has
 * the key. Keys, names and everything that was never encrypted stay as they are.
 */
export function withPlaceholders(text: string, path: string): string {
  if (!/\.(ya?ml|json)$/.test(path)) {
    const lines = text.split('\n').filter((line) => !line.startsWith('sops_'));
    return lines.join('\n').replace(encrypted, placeholder);
  }
  const documents = parseDocuments(text, path).map((document) => {
    if (!isRecord(document)) return document;
    const { sops: _, ...rest } = document;
    return fill(rest, document['kind'] === 'Secret' ? 'secret' : 'plain');
  });
  return path.endsWith('.json') ? JSON.stringify(documents[0], undefined, 2) : printDocuments(documents);
}

const placeholder = 'rehearsal';

/** Values of a Secret's `data` are base64. */
function fill(value: unknown, place: 'secret' | 'plain' | 'base64'): unknown {
  if (typeof value === 'string') return fillText(value, place);
  if (Array.isArray(value)) return value.map((item) => fill(item, place));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const below = place === 'secret' ? (key === 'data' ? 'base64' : 'plain') : place;
      return [key, fill(item, below)];
    }),
  );
}

function fillText(text: string, place: 'secret' | 'plain' | 'base64'): unknown {
  const [whole, type] = [...text.matchAll(encrypted)][0] ?? [];
  if (whole === undefined) return text;
  if (whole !== text) return text.replaceAll(encrypted, placeholder);
  if (type === 'int' || type === 'float') return 0;
  if (type === 'bool') return false;
  return place === 'base64' ? Buffer.from(placeholder).toString('base64') : placeholder;
}
