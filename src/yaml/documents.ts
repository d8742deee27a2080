import { loadAll } from 'js-yaml';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';

/**
 * The documents of a YAML text as plain values; empty documents are left out. Throws YAML_INVALID with the place; `where`
 * names the file.
 */
export function parseDocuments(text: string, where: string): unknown[] {
  try {
    return loadAll(text).filter((document) => document !== null && document !== undefined);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError('YAML_INVALID', `${where}: ${reason}`, { cause, retry: 'never' });
  }
}

/** The documents of a YAML text, each of which must be a mapping. Throws YAML_INVALID. */
export function parseMappings(text: string, where: string): Record<string, unknown>[] {
  return parseDocuments(text, where).map((document, index) => {
    if (isRecord(document)) return document;
    const kind = Array.isArray(document) ? 'a list' : `a ${typeof document}`;
    throw new MillraceError('YAML_INVALID', `${where}: document ${index + 1} is ${kind}, not a mapping`, {
      retry: 'never',
    });
  });
}
