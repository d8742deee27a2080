import { isRecord } from '../base/json.ts';
import { cloneValue, scalarText, textOf } from '../yaml/original-text.ts';
import type { BuildContext } from './build-context.ts';
import { buildError } from './build-error.ts';
import { decode } from './decode.ts';
import { forEachCollecting } from './faults.ts';
import { parseConfiguration } from './parse-configuration.ts';
import { pathSteps } from './path-steps.ts';
import { type NamingPlace, pathOf, readNamedText } from './read-named.ts';
import type {
  FieldOptions,
  Replacement,
  ReplacementEntry,
  ReplacementSource,
  ReplacementTarget,
} from './replacement-entry.ts';
import { type Created, type Found, lookUp, type MatchedPlace, matchPlaces } from './replacement-path.ts';
import { resolveScalar } from './resolve-scalar.ts';
import type { Resource } from './resource.ts';
import { effectiveNamespace, formatId, isSelectedBy, type ResourceId } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';
import { compileSelector } from './selector.ts';
import { replacementShape } from './shapes.ts';
import { setInStructuredText } from './structured-text.ts';

/** Reads the entries that are in files of their own. Throws KUSTOMIZE_BUILD_FAILED and YAML_INVALID. */
export function prepareReplacements(
  context: BuildContext,
  place: NamingPlace,
  entries: readonly ReplacementEntry[],
): (list: ResourceList) => void {
  const read = forEachCollecting(entries, (entry) => readEntry(context, place, entry)).flat();
  return (list) => {
    for (const { replacement, where } of read) applyReplacement(list, replacement, where);
  };
}

interface ReadReplacement {
  replacement: Replacement;
  where: string;
}

function readEntry(
  context: BuildContext,
  place: NamingPlace,
  { path = '', ...inline }: ReplacementEntry,
): ReadReplacement[] {
  if (path === '') return [{ replacement: inline, where: place.path }];
  if (inline.source !== undefined || (inline.targets ?? []).length > 0)
    throw buildError(place.path, `a replacement has a path (${path}), or a source and targets, not both`);
  const where = pathOf(place.folder, path);
  const { value, fault } = parseConfiguration(readNamedText(context.fs, place, path), where);
  if (!isRecord(value) && !Array.isArray(value))
    throw buildError(where, 'a file of replacements should be a mapping or a list of them');
  const items = Array.isArray(value) ? value : [value];
  return items.map((item, index) => ({
    where,
    replacement: decode(item, replacementShape, {
      strict: false,
      coerces: true,
      fault: (field, what, hint) => fault(Array.isArray(value) ? [index, ...field] : field, what, hint),
    }),
  }));
}

/** Copies one value to its targets. */
function applyReplacement(list: ResourceList, replacement: Replacement, where: string): void {
  const { source, sourceValue, targets } = replacement;
  if ((source === undefined && sourceValue === undefined) || targets === undefined)
    throw buildError(where, 'a replacement needs a source and at least one target');
  if (source !== undefined && sourceValue !== undefined)
    throw buildError(where, "a replacement has 'source' or 'sourceValue', not both");
  const value = source === undefined ? scalarValue(sourceValue ?? '') : readSource(list, source, where);
  for (const target of targets) applyToTarget(list, value, target, where);
  list.idsChanged();
}

/** A value on its way: a single one as its text, or a collection. */
export interface CopiedValue {
  kind: Created;
  text: string;
  value: unknown;
}

function scalarValue(text: string): CopiedValue {
  return { kind: 'scalar', text, value: resolveScalar(text) };
}

function readSource(list: ResourceList, source: ReplacementSource, where: string): CopiedValue {
  const matches = list.resources.filter((resource) => idsOf(resource).some((id) => isSource(id, source)));
  const { group = '', version = '', kind = '', name = '', namespace = '' } = source;
  const shown = formatId({ group, version, kind, name, namespace });
  const [match] = matches;
  if (match === undefined) throw buildError(where, `no object is selected by the source ${shown}`);
  if (matches.length > 1)
    throw buildError(
      where,
      `several objects are selected by the source ${shown}: ${matches.map(({ id }) => formatId(id)).join(', ')}`,
    );
  const path = source.fieldPath || 'metadata.name';
  const fault = (what: string) => buildError(where, `the source field '${path}' of ${formatId(match.id)}: ${what}`);
  const found = lookUp(match.object, pathSteps(path), fault);
  if (found === undefined || isBlank(found.value)) throw fault('it is missing or empty');
  return refined(found, source.options, fault);
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0);
}

function isSource(id: ResourceId, { name, namespace, ...gvk }: ReplacementSource): boolean {
  return (
    (!name || name === id.name) &&
    (!namespace || effectiveNamespace({ namespace, isClusterScoped: false }) === effectiveNamespace(id)) &&
    isSelectedBy(id, gvk)
  );
}

/** The present id and former ones, none of them known to be cluster-scoped. */
function idsOf(resource: Resource): ResourceId[] {
  return [{ ...resource.id, isClusterScoped: false }, ...resource.previousIds];
}

function refined(found: Found, options: FieldOptions | undefined, fault: (what: string) => Error): CopiedValue {
  const { value } = found;
  if (!options?.delimiter) {
    if (typeof value === 'object' && value !== null)
      return { kind: Array.isArray(value) ? 'list' : 'mapping', text: '', value };
    return { kind: 'scalar', text: textAtFound(found), value };
  }
  if (typeof value === 'object') throw fault('a delimiter can only be used with single values');
  const parts = textAtFound(found).split(options.delimiter);
  const part = parts[Number(options.index ?? 0)];
  if (part === undefined) throw fault(`the index ${options.index ?? 0} is out of bounds for '${textAtFound(found)}'`);
  return { kind: 'scalar', text: part, value: typeof value === 'string' ? part : resolveScalar(part) };
}

function textAtFound({ holder, key, value }: { holder: unknown; key: string | number; value: unknown }): string {
  return isRecord(holder) ? textOf(holder, String(key)) : scalarText(value);
}

function applyToTarget(list: ResourceList, value: CopiedValue, target: ReplacementTarget, where: string): void {
  const { select, reject = [], fieldPaths = [], options } = target;
  if (select === undefined) throw buildError(where, "a target of a replacement needs 'select'");
  const selected = compileSelector(select, where);
  const rejected = reject.map((one) => ({
    ...compileSelector(one, where),
    hasPairs: Boolean(one.labelSelector || one.annotationSelector),
  }));
  const paths = fieldPaths.length === 0 ? ['metadata.name'] : fieldPaths;
  for (const resource of list.resources) {
    if (!selected.matchesPairs(resource)) continue;
    if (rejected.some((one) => one.hasPairs && one.matchesPairs(resource))) continue;
    const ids = idsOf(resource);
    const matches = (one: typeof selected, id: ResourceId) =>
      one.matchesGvk(id) && one.matchesName(id.name) && one.matchesNamespace(id.namespace);
    if (rejected.some((one) => !one.isForAnyId && ids.some((id) => matches(one, id)))) continue;
    if (!ids.some((id) => matches(selected, id))) continue;
    for (const path of paths) setAt(resource, path, { value, options, where });
  }
}

interface Setting {
  value: CopiedValue;
  options: FieldOptions | undefined;
  where: string;
}

function setAt(resource: Resource, path: string, { value, options, where }: Setting): void {
  const steps = pathSteps(path);
  const creates = options?.create === true ? value.kind : undefined;
  const what = creates === undefined ? 'find' : 'find or create';
  const fault = (reason: string) =>
    buildError(where, `unable to ${what} the field '${path}' of ${formatId(resource.id)}: ${reason}`);
  const match = { creates, where, fault };
  if (setInStructuredText(resource.object, steps, match, (place) => setPlace(place, value, undefined, fault))) return;
  const places = matchPlaces(resource.object, steps, match);
  if (places.length === 0) throw fault('there is no such field');
  for (const place of places) setPlace(place, value, options, fault);
}

function setPlace(
  place: MatchedPlace,
  value: CopiedValue,
  options: FieldOptions | undefined,
  fault: (what: string) => Error,
): void {
  const map = place.holder as Record<string | number, unknown>;
  const old = map[place.key];
  let { text } = value;
  if (options?.delimiter) {
    if (typeof old === 'object' && old !== null) throw fault('a delimiter can only be used with single values');
    text = spliced(textAtFound({ ...place, value: old }).split(options.delimiter), value.text, options);
  }
  if (typeof old === 'object' && old !== null) map[place.key] = cloneValue(value.value);
  else map[place.key] = retyped(old, text, place.isNew, fault);
}

function spliced(parts: string[], text: string, { delimiter = '', index = 0 }: FieldOptions): string {
  const at = Number(index);
  if (at < 0) parts.unshift(text);
  else if (at >= parts.length) parts.push(text);
  else parts[at] = text;
  return parts.join(delimiter);
}

/** A text put where a text is stays one; anything else keeps its type, and a text that is of another one is an error. */
function retyped(old: unknown, text: string, isNew: boolean, fault: (what: string) => Error): unknown {
  if (isNew) return resolveScalar(text);
  if (typeof old === 'string') return text;
  if (old === null || old === undefined) return null;
  const value = resolveScalar(text);
  const sameType = typeof value === typeof old || (typeof value !== 'string' && typeof old === 'bigint');
  if (!sameType) throw fault(`'${text}' is not of the type of the value that is there, ${String(old)}`);
  return value;
}
