import { isRecord } from '../base/json.ts';
import { parseFirstDocument } from '../yaml/documents.ts';
import { scalarText, setKey, textOf } from '../yaml/original-text.ts';
import type { FieldPlace } from './field-spec.ts';
import { isIndexStep, isItemStep, itemStep } from './path-steps.ts';
import { compilePattern } from './selector.ts';

type Fault = (what: string) => Error;

/** A value that was found, with its place. */
export interface Found extends FieldPlace {
  value: unknown;
}

/**
 * The one value that a path leads to (kyaml PathGetter): `[name=x]` is the first item whose field is exactly that, `-` the last
 * item. Undefined where there is none. Throws `fault` for steps that cannot be taken.
 */
export function lookUp(root: unknown, steps: readonly string[], fault: Fault): Found | undefined {
  let found: Found = { holder: [root], key: 0, value: root };
  for (const raw of steps) {
    const step = raw.trim();
    if (step === '') continue;
    const next = lookUpStep(found.value, step, fault);
    if (next === undefined) return undefined;
    found = next;
  }
  return found;
}

function lookUpStep(value: unknown, step: string, fault: Fault): Found | undefined {
  if (step === '*') throw fault("'*' may not be part of this path");
  if (/^[-+]?[0-9]+$/.test(step) || step === '-' || isItemStep(step)) {
    if (value === null || value === undefined) return undefined;
    if (!Array.isArray(value)) throw fault(`'${step}' is a step into a list, but there is none`);
    return lookUpItem(value, step, fault);
  }
  if (value === null || value === undefined) return undefined;
  if (!isRecord(value)) throw fault(`there is no mapping to find '${step}' in`);
  return Object.hasOwn(value, step) ? { holder: value, key: step, value: value[step] } : undefined;
}

function lookUpItem(list: unknown[], step: string, fault: Fault): Found | undefined {
  const at = (index: number) => (index in list ? { holder: list, key: index, value: list[index] } : undefined);
  if (step === '-') return at(list.length - 1);
  if (!isItemStep(step)) {
    if (Number(step) < 0) throw fault(`the index ${step} may not be negative`);
    return at(Number(step));
  }
  const wanted = itemStep(step);
  if (wanted === undefined) throw fault(`'${step}' should be [field=value]`);
  const { field, value } = wanted;
  return at(
    list.findIndex((item) =>
      field === ''
        ? scalarText(item) === value
        : isRecord(item) && Object.hasOwn(item, field) && textOf(item, field) === value,
    ),
  );
}

/** What is made where a path leads nowhere: a place for a single value, a list, or a mapping. */
export type Created = 'scalar' | 'list' | 'mapping';

/** A place for a value: one that was there, or one that was made for it. */
export interface MatchedPlace extends FieldPlace {
  isNew: boolean;
}

export interface MatchOptions {
  creates?: Created | undefined;
  where: string;
  fault: Fault;
}

/**
 * Every place that a path leads to (kyaml PathMatcher): `[name=x]` is a pattern and may pick several items, `*` is all of them.
 * What the path leads to within a text that is YAML itself is looked for in a copy, so setting it there has no effect.
 */
export function matchPlaces(root: unknown, steps: readonly string[], options: MatchOptions): MatchedPlace[] {
  return matchAt({ holder: [root], key: 0, isNew: false }, steps, options);
}

function matchAt(place: MatchedPlace, steps: readonly string[], options: MatchOptions): MatchedPlace[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [place];
  const value = (place.holder as Record<string | number, unknown>)[place.key];
  if (isIndexStep(step)) return matchIndex(value, step, rest, options);
  if (isItemStep(step)) return matchItems(value, step, rest, options);
  if (step === '*')
    return listAt(value, options, step).flatMap((_, key) =>
      matchAt({ holder: value as unknown[], key, isNew: false }, rest, options),
    );
  return matchField(place, value, steps, options);
}

function listAt(value: unknown, { fault }: MatchOptions, step: string): unknown[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw fault(`'${step}' is a step into a list, but there is none`);
  return value;
}

function matchField(
  place: MatchedPlace,
  value: unknown,
  steps: readonly string[],
  options: MatchOptions,
): MatchedPlace[] {
  const [step = '', ...rest] = steps;
  const { creates, fault } = options;
  let map = value;
  if (map === null || map === undefined) {
    if (creates === undefined) return [];
    map = {};
    (place.holder as Record<string | number, unknown>)[place.key] = map;
  }
  if (!isRecord(map)) throw fault(`there is no mapping to find '${step}' in`);
  const isNew = !Object.hasOwn(map, step);
  if (isNew && creates === undefined) return [];
  if (isNew) setKey(map, step, emptyFor(rest[0], creates));
  const field = map[step];
  if (rest.length > 0 && field !== null && typeof field !== 'object' && !isNew)
    return matchInText(textOf(map, step), rest, options);
  return matchAt({ holder: map, key: step, isNew }, rest, options);
}

/** A new container, shaped by the step that follows. */
function emptyFor(next: string | undefined, created: Created | undefined): unknown {
  if (next !== undefined) return isItemStep(next) || isIndexStep(next) ? [] : {};
  return created === 'list' ? [] : created === 'mapping' ? {} : '';
}

function matchInText(text: string, steps: readonly string[], options: MatchOptions): MatchedPlace[] {
  return matchPlaces(parseFirstDocument(text, options.where), steps, options);
}

function matchIndex(value: unknown, step: string, rest: readonly string[], options: MatchOptions): MatchedPlace[] {
  const list = listAt(value, options, step);
  const key = Number(step);
  let isNew = false;
  if (list.length === key && options.creates !== undefined && Array.isArray(value)) {
    list.push(emptyFor(rest[0], options.creates));
    isNew = true;
  }
  if (key >= list.length) throw options.fault(`the index ${key} is beyond the ${list.length} items that are there`);
  return matchAt({ holder: list, key, isNew }, rest, options);
}

function matchItems(value: unknown, step: string, rest: readonly string[], options: MatchOptions): MatchedPlace[] {
  const wanted = itemStep(step);
  if (wanted === undefined) throw options.fault(`'${step}' should be [field=value]`);
  const { field } = wanted;
  const list = listAt(value, options, step);
  const found = list.flatMap((item, key) => {
    const text =
      field === '' ? scalarText(item) : isRecord(item) && Object.hasOwn(item, field) ? textOf(item, field) : undefined;
    if (text === undefined || !matchesPattern(text, wanted.value, options)) return [];
    return matchAt({ holder: list, key, isNew: false }, field === '' ? [] : rest, options);
  });
  if (found.length > 0 || options.creates === undefined || !Array.isArray(value)) return found;
  list.push(field === '' ? wanted.value : { [field]: wanted.value });
  return matchAt({ holder: list, key: list.length - 1, isNew: false }, field === '' ? [] : rest, options);
}

function matchesPattern(text: string, pattern: string, { where }: MatchOptions): boolean {
  if (/^[\w/-]*$/.test(pattern)) return text.includes(pattern);
  return compilePattern(pattern, pattern, where).matcher(text.trim()).find();
}
