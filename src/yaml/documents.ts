import { loadAll, type Schema } from 'js-yaml';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { buildSchema, type SchemaOptions } from './build-schema.ts';
import { copyTexts, setKey, WrittenScalar } from './original-text.ts';
import { type PlainScalars, readPlainManifest } from './plain-manifest.ts';
import { tolerantly } from './tolerant.ts';

/** A file above this size is no manifest; reading it would cost seconds. */
const mostCharacters = 50_000_000;
/** Values that a text may grow to by its aliases. */
const mostValues = 1_000_000;

export interface ParseOptions extends SchemaOptions {
  /** A key may be given twice; the last one counts. */
  lastKeyWins?: boolean;
  /** Lines of the file before the text, so that errors name the line of the file. */
  linesBefore?: number;
}

/**
 * The documents of a YAML text as plain values that share nothing; empty documents are left out. Integers that a number cannot
 * hold are bigints. Throws YAML_INVALID with the place; `where` names the file.
 */
export function parseDocuments(text: string, where: string, options: ParseOptions = {}): unknown[] {
  return parseAllDocuments(text, where, options).filter((document) => document !== null && document !== undefined);
}

/** The first document alone, or undefined where there is none; what comes after it is not looked at. */
export function parseFirstDocument(text: string, where: string, options: ParseOptions = {}): unknown {
  return parseAllDocuments(text, where, options)[0] ?? undefined;
}

function parseAllDocuments(text: string, where: string, options: ParseOptions): unknown[] {
  if (text.length > mostCharacters) throw invalid(where, `the file is larger than ${mostCharacters} characters`);
  const { lastKeyWins = false, linesBefore = 0, ...schemaOptions } = options;
  const schema = buildSchema(schemaOptions);
  const plain = readPlainManifest(text, plainScalarsOf(schema));
  if (plain !== undefined) return [plain];
  try {
    const documents = tolerantly(text, (source) => loadAll(source, { schema, json: lastKeyWins }));
    const values = documents.map((document) => (document instanceof WrittenScalar ? document.value : document));
    return text.includes('*') ? unshared(values, where) : values;
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw invalid(where, describe(cause, linesBefore), cause);
  }
}

const plainScalars = new WeakMap<Schema, PlainScalars>();

function plainScalarsOf(schema: Schema): PlainScalars {
  const known = plainScalars.get(schema);
  if (known !== undefined) return known;
  const made = { resolve: (text: string) => schema.resolveImplicitScalarTag(text).value, knownKeys: new Set<string>() };
  plainScalars.set(schema, made);
  return made;
}

interface ParseFault {
  reason?: string;
  mark?: { line: number; column: number };
}

function describe(cause: unknown, linesBefore: number): string {
  const { reason, mark } = cause as ParseFault;
  if (reason !== undefined && mark !== undefined)
    return `line ${mark.line + 1 + linesBefore}, column ${mark.column + 1}: ${reason}`;
  return cause instanceof Error ? cause.message : String(cause);
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
    for (const key of Object.keys(value)) setKey(result, key, copy(value[key], depth + 1));
    copyTexts(value, result);
    return result;
  };
  return documents.map((document) => copy(document, 0));
}

function invalid(where: string, reason: string, cause?: unknown): MillraceError {
  return new MillraceError('YAML_INVALID', `${where}: ${reason}`, { cause, retry: 'never' });
}

/** The documents of a YAML text, each of which must be a mapping. Throws YAML_INVALID. */
export function parseMappings(text: string, where: string, options: ParseOptions = {}): Record<string, unknown>[] {
  return parseDocuments(text, where, options).map((document, index) => {
    if (isRecord(document)) return document;
    const kind = Array.isArray(document) ? 'a list' : `a ${typeof document}`;
    throw invalid(where, `document ${index + 1} is ${kind}, not a mapping`);
  });
}
