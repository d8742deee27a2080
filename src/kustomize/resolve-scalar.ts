import { parseFirstDocument } from '../yaml/documents.ts';

/** What a text is when it is written into YAML without quotes: a number, a boolean, null, or itself. */
export function resolveScalar(text: string): unknown {
  if (!/^[-+.~0-9tTfFnN]/.test(text) && text !== '') return text;
  if (!/^[-+.~\w:]*$/.test(text)) return text;
  const value = parseFirstDocument(text === '' ? '~' : text, 'a value');
  return typeof value === 'object' ? null : (value ?? null);
}
