import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { parseFirstDocument } from '../yaml/documents.ts';
import { cloneValue, setKey, textOf } from '../yaml/original-text.ts';
import { rewriteYaml } from '../yaml/rewrite.ts';
import { goJson } from './hash.ts';
import { type Found, lookUp, type MatchedPlace, type MatchOptions, matchPlaces } from './replacement-path.ts';

/**
 * Sets something within a text that is JSON or YAML itself, such as a file in a ConfigMap: the path leads to the text, and on
 * into it. False where the path leads through no such text, or to nothing in it; nothing is changed then.
 */
export function setInStructuredText(
  object: Record<string, unknown>,
  steps: readonly string[],
  options: MatchOptions,
  set: (place: MatchedPlace) => void,
): boolean {
  const found = findText(object, steps, options);
  if (found === undefined) return false;
  const { holder, key, rest } = found;
  const text = textOf(holder, key);
  try {
    const before = parseFirstDocument(text, options.where, { keepText: true });
    const after = cloneValue(before);
    const places = matchPlaces(after, rest, options);
    for (const place of places) set(place);
    if (places.length > 0) setKey(holder, key, isJson(text) ? jsonLike(text, after) : rewriteYaml(text, before, after));
    return places.length > 0;
  } catch (error) {
    if (error instanceof MillraceError) return false;
    throw error;
  }
}

interface FoundText {
  holder: Record<string, unknown>;
  key: string;
  /** What is left of the path. */
  rest: readonly string[];
}

/** The first single value on the path that is not its end. */
function findText(
  object: Record<string, unknown>,
  steps: readonly string[],
  { fault }: MatchOptions,
): FoundText | undefined {
  for (let length = 1; length < steps.length; length++) {
    const found = tryLookUp(object, steps.slice(0, length), fault);
    if (found === undefined || !isRecord(found.holder)) continue;
    if (found.value !== null && typeof found.value !== 'object')
      return { holder: found.holder, key: String(found.key), rest: steps.slice(length) };
  }
  return undefined;
}

function tryLookUp(object: unknown, steps: readonly string[], fault: MatchOptions['fault']): Found | undefined {
  try {
    return lookUp(object, steps, fault);
  } catch (error) {
    if (error instanceof MillraceError) return undefined;
    throw error;
  }
}

function isJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

/** JSON in one line, or indented where the text was. */
function jsonLike(text: string, value: unknown): string {
  return goJson(value, text.includes('\n') && text.includes('  ') ? '  ' : '');
}
