import { loadAll, type Schema } from 'js-yaml';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { buildSchema } from './build-schema.ts';

/** A file above this size is no manifest; reading it would cost seconds. */
const mostCharacters = 50_000_000;
/** Values that a text may grow to by its aliases. */
const mostValues = 1_000_000;

let schema: Schema | undefined;

/**
 * The documents of a YAML text as plain values that share nothing; empty documents are left out. Integers that a number cannot
 * hold are bigints. `lastKeyWins`: a key may be given twice. Throws YAML_INVALID with the place; `where` names the file.
 */
export function parseDocuments(text: string, where: string, { lastKeyWins = false } = {}): unknown[] {
  if (text.length > mostCharacters) throw invalid(where, `the file is larger than ${mostCharacters} characters`);
  schema ??= buildSchema();
  try {
    const documents = loadAll(text, { schema, json: lastKeyWins }).filter(
      (document) => document !== null && document !== undefined,
    );
    return text.includes('*') ? unshared(documents, where) : documents;
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw invalid(where, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Gives every alias a copy of its own, so that changing one place does not change another; bombs are refused. */
function unshared(documents: unknown[], where: string): unknown[] {
  let values = 0;
  const copy = (value: unknown, depth: number): unknown => {
    if (++values > mostValues) throw invalid(where, `its aliases make more than ${mostValues} values`);
    if (depth > 1000) throw invalid(where, 'an alias refers to itself, or the nesting is too deep');
    if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
    if (!isRecord(value)) return value;
    const result: Record<string, unknown> = {};
    for (const key of Object.keys(value)) result[key] = copy(value[key], depth + 1);
    return result;
  };
  return documents.map((document) => copy(document, 0));
}

function invalid(where: string, reason: string, cause?: unknown): MillraceError {
  return new MillraceError('YAML_INVALID', `${where}: ${reason}`, { cause, retry: 'never' });
}

/** The documents of a YAML text, each of which must be a mapping. Throws YAML_INVALID. */
export function parseMappings(
  text: string,
  where: string,
  options: { lastKeyWins?: boolean } = {},
): Record<string, unknown>[] {
  return parseDocuments(text, where, options).map((document, index) => {
    if (isRecord(document)) return document;
    const kind = Array.isArray(document) ? 'a list' : `a ${typeof document}`;
    throw invalid(where, `document ${index + 1} is ${kind}, not a mapping`);
  });
}
