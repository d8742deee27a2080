import { isRecord } from '../base/json.ts';
import { parseDocuments } from '../yaml/documents.ts';
import { buildError } from './build-error.ts';
import type { FileSystem } from './file-system.ts';
import { selected } from './patches.ts';
import { pathOf, readNamedText } from './read-named.ts';
import type { Resource } from './resource.ts';

type Fields = Record<string, unknown>;

/** `replacements`: copies a value of one object to places of others. */
export function applyReplacements(
  fs: FileSystem,
  resources: readonly Resource[],
  entries: readonly Fields[],
  place: { folder: string; path: string },
): void {
  const where = place.path;
  for (const entry of entries) {
    for (const replacement of readEntry(fs, entry, place)) {
      const source = replacement['source'];
      const targets = replacement['targets'];
      if (replacement['sourceValue'] === undefined && !isRecord(source))
        throw buildError(where, 'a replacement needs a source');
      if (!Array.isArray(targets)) throw buildError(where, 'a replacement needs targets');
      const value = isRecord(source) ? sourceValue(resources, source, where) : replacement['sourceValue'];
      for (const target of targets.filter(isRecord)) replaceIn(resources, target, value, where);
    }
  }
}

function readEntry(fs: FileSystem, entry: Fields, { folder, path }: { folder: string; path: string }): Fields[] {
  if (typeof entry['path'] !== 'string') return [entry];
  if (entry['source'] !== undefined || entry['targets'] !== undefined)
    throw buildError(path, 'a replacement has a path, or a source and targets, not both');
  const file = pathOf(folder, entry['path']);
  return parseDocuments(readNamedText(fs, { folder, path }, entry['path']), file).flatMap((document) =>
    Array.isArray(document) ? document.filter(isRecord) : isRecord(document) ? [document] : [],
  );
}

/** Selects by exact fields; names and namespaces of any time count. */
function matching(resources: readonly Resource[], select: Fields): Resource[] {
  const given = (field: string) =>
    typeof select[field] === 'string' && select[field] !== '' ? select[field] : undefined;
  return resources.filter((resource) => {
    const { object, names, namespaces } = resource;
    const [group, version] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : ['', object.apiVersion];
    const is = (field: string, ...values: (string | undefined)[]) => {
      const wanted = given(field);
      return wanted === undefined || values.includes(wanted);
    };
    return (
      is('group', group) &&
      is('version', version) &&
      is('kind', object.kind, resource.originalKind) &&
      is('name', object.metadata.name, ...names) &&
      is(
        'namespace',
        object.metadata.namespace ?? '',
        ...namespaces,
        ...namespaces.filter((n) => n === '').map(() => 'default'),
      )
    );
  });
}

function sourceValue(resources: readonly Resource[], source: Fields, where: string): unknown {
  const found = matching(resources, source);
  const [first] = found;
  if (first === undefined) throw buildError(where, `nothing selected by the source ${JSON.stringify(source)}`);
  if (found.length > 1) throw buildError(where, `multiple matches for the source ${JSON.stringify(source)}`);
  const path = typeof source['fieldPath'] === 'string' ? source['fieldPath'] : 'metadata.name';
  const places = placesAt(first.object, stepsOf(path), undefined, where);
  const [place] = places;
  if (place === undefined || place.get() === undefined)
    throw buildError(where, `the field ${path} is missing in the source`);
  const value = place.get();
  const { delimiter, index = 0 } = isRecord(source['options']) ? source['options'] : {};
  if (typeof delimiter !== 'string' || delimiter === '') return value;
  if (typeof value === 'object') throw buildError(where, 'delimiter option can only be used with scalar nodes');
  const part = String(value).split(delimiter)[Number(index)];
  if (part === undefined) throw buildError(where, `the index ${String(index)} is out of range for ${path}`);
  return part;
}

function replaceIn(resources: readonly Resource[], target: Fields, value: unknown, where: string): void {
  const select = target['select'];
  if (!isRecord(select)) throw buildError(where, 'target must specify resources to select');
  const rejects = Array.isArray(target['reject']) ? target['reject'].filter(isRecord) : [];
  const paths = Array.isArray(target['fieldPaths']) ? target['fieldPaths'].map(String) : ['metadata.name'];
  const options = isRecord(target['options']) ? target['options'] : {};
  const rejected = new Set(
    rejects.filter((one) => Object.keys(one).length > 0).flatMap((one) => selected(resources, one, where)),
  );
  for (const resource of selected(resources, select, where)) {
    if (rejected.has(resource)) continue;
    for (const path of paths) setAt(resource, path, { value, options, where });
    const { name } = resource.object.metadata;
    if (!resource.names.includes(name)) resource.names.push(name);
  }
}

function setAt(
  resource: Resource,
  path: string,
  { value, options, where }: { value: unknown; options: Fields; where: string },
): void {
  const create = options['create'] === true;
  const places = placesAt(resource.object, stepsOf(path), create ? value : undefined, where);
  if (places.length === 0) {
    throw buildError(
      where,
      `unable to find field '${path}' in replacement target ${resource.object.kind}/${resource.object.metadata.name}`,
    );
  }
  for (const place of places) {
    const old = place.get();
    place.set(
      typeof options['delimiter'] === 'string' && options['delimiter'] !== ''
        ? spliced(old, value, options, where)
        : retyped(old, value),
    );
  }
}

/** A text put where a text is stays one, as far as the types of scalars go. */
function retyped(old: unknown, value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return structuredClone(value);
  if (typeof old === 'string') return String(value);
  if (typeof value === 'string' && (typeof old === 'number' || typeof old === 'boolean')) {
    const parsed = parseDocuments(value, 'value')[0];
    return typeof parsed === 'object' || parsed === undefined ? value : parsed;
  }
  return value;
}

function spliced(old: unknown, value: unknown, options: Fields, where: string): unknown {
  const delimiter = String(options['delimiter']);
  if (typeof old === 'object' && old !== null)
    throw buildError(where, 'delimiter option can only be used with scalar nodes');
  const parts = String(old ?? '').split(delimiter);
  const index = Number(options['index'] ?? 0);
  if (index < 0) parts.unshift(String(value));
  else if (index >= parts.length) parts.push(String(value));
  else parts[index] = String(value);
  return parts.join(delimiter);
}

interface Place {
  get(): unknown;
  set(value: unknown): void;
}

/** `a.b.[name=x].c`: dots within brackets, or escaped by `\`, do not divide. */
export function stepsOf(path: string): string[] {
  const steps: string[] = [];
  let step = '';
  let depth = 0;
  for (let index = 0; index < path.length; index++) {
    const character = path.charAt(index);
    if (character === '\\' && path.charAt(index + 1) === '.') {
      step += '.';
      index++;
    } else if (character === '.' && depth === 0) {
      if (step !== '') steps.push(step);
      step = '';
    } else {
      if (character === '[') depth++;
      if (character === ']') depth--;
      step += character;
    }
  }
  return step === '' ? steps : [...steps, step];
}

/** The places that a path leads to; `created`: missing maps on the way are made, shaped to hold it. */
function placesAt(target: unknown, steps: readonly string[], created: unknown, where: string): Place[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [];
  const inner = (container: Fields | unknown[], key: string | number): Place[] => {
    const map = container as Record<string | number, unknown>;
    if (rest.length === 0)
      return [
        {
          get: () => map[key],
          set: (value) => {
            map[key] = value;
          },
        },
      ];
    if (map[key] === undefined && created !== undefined)
      map[key] = /^\[|^[0-9]+$|^\*$|^-$/.test(rest[0] ?? '') ? [] : {};
    return placesAt(map[key], rest, created, where);
  };
  if (Array.isArray(target)) return listPlaces(target, step, { created, where, inner });
  if (!isRecord(target)) return [];
  if (step === '*') return Object.keys(target).flatMap((key) => inner(target, key));
  if (target[step] === undefined && created === undefined) return [];
  return inner(target, step);
}

interface ListWalk {
  created: unknown;
  where: string;
  inner(container: unknown[], key: number): Place[];
}

function listPlaces(list: unknown[], step: string, { created, where, inner }: ListWalk): Place[] {
  const match = /^\[([^=]*)=(.*)\]$/s.exec(step);
  if (match !== null) {
    const [, key = '', wanted = ''] = match;
    const text = wanted.replace(/^(["'])(.*)\1$/s, '$2');
    const found = list.flatMap((item, index) =>
      (key === '' ? String(item) === text : isRecord(item) && String(item[key]) === text) ? inner(list, index) : [],
    );
    if (found.length > 0 || created === undefined || list.some((item) => isRecord(item) && String(item[key]) === text))
      return found;
    list.push(key === '' ? text : { [key]: text });
    return inner(list, list.length - 1);
  }
  if (step === '*') return list.flatMap((_, index) => inner(list, index));
  if (step === '-') return inner(list, list.length);
  if (!/^[0-9]+$/.test(step)) return [];
  const index = Number(step);
  if (index > list.length || (index === list.length && created === undefined))
    throw buildError(where, `index ${index} specified but only ${list.length} elements found`);
  return inner(list, index);
}
