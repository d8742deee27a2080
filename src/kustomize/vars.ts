import { isRecord } from '../base/json.ts';
import { buildError } from './build-error.ts';
import { type FieldSpec, setAtPlace, valueAtPlace, visitFields } from './field-spec.ts';
import { pathSteps } from './path-steps.ts';
import { lookUp } from './replacement-path.ts';
import type { Resource } from './resource.ts';
import { formatId, gvkOf, idKey, type ResourceId } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';

/** An entry of `vars`: a name for a field of an object. */
export interface Var {
  name?: string;
  objref?: { apiVersion?: string; group?: string; version?: string; kind?: string; name?: string; namespace?: string };
  fieldref?: { fieldPath?: string };
  /** The file that has it. */
  where?: string;
}

/** All vars of a build by name. Throws KUSTOMIZE_BUILD_FAILED where a name is used twice. */
export function addVars(known: Map<string, Var>, added: Iterable<Var>, where: string): void {
  for (const one of added) {
    const name = one.name ?? '';
    if (known.has(name)) throw buildError(one.where ?? where, `var '${name}' already encountered`);
    known.set(name, { where, ...one });
  }
}

/** Notes on each resource the vars that read from it. Throws KUSTOMIZE_BUILD_FAILED where several could be meant. */
export function markVarSources(list: ResourceList, vars: readonly Var[], where: string): void {
  for (const one of vars) {
    const id = targetId(one);
    const isAnywhere = id.namespace === '' && !id.isClusterScoped;
    const matches = isAnywhere ? anywhere(list, id) : list.matchingAnyId(id);
    if (matches.length > 1) {
      const ids = matches.map((resource) => formatId(resource.id)).join(', ');
      throw buildError(where, `var '${one.name ?? ''}' could read from several objects: ${ids}`, 'Name its namespace.');
    }
    const [match] = matches;
    if (match !== undefined) match.varNames = [...match.varNames, one.name ?? ''];
  }
}

function targetId({ objref = {} }: Var): ResourceId {
  const { apiVersion = '', kind = '', name = '', namespace = '' } = objref;
  const given = { group: objref.group ?? '', version: objref.version ?? '', kind };
  // The id in a var is never known to be cluster-scoped, as kustomize makes it without asking the schema.
  return { ...(apiVersion === '' ? given : gvkOf(apiVersion, kind)), name, namespace, isClusterScoped: false };
}

function anywhere(list: ResourceList, wanted: ResourceId): Resource[] {
  const key = (id: ResourceId) => idKey({ ...id, namespace: '', isClusterScoped: false });
  return list.resources.filter((resource) =>
    [...resource.previousIds, resource.id].some((id) => key(id) === key(wanted)),
  );
}

/** Puts the values in the place of `$(NAME)` at the places that may hold one. Throws KUSTOMIZE_BUILD_FAILED. */
export function resolveVars(
  resources: readonly Resource[],
  vars: ReadonlyMap<string, Var>,
  specs: readonly FieldSpec[],
  warn: (message: string) => void,
): void {
  if (vars.size === 0) return;
  const values = new Map([...vars].map(([name, one]) => [name, readVar(name, one, resources)]));
  const used = new Set<string>();
  for (const resource of resources) for (const spec of specs) expandAt(resource, spec, { values, used });
  const unused = [...vars.keys()].filter((name) => !used.has(name));
  if (unused.length > 0) warn(`vars that were never replaced: ${unused.join(', ')}`);
}

function readVar(
  name: string,
  { fieldref = {}, objref = {}, where = '' }: Var,
  resources: readonly Resource[],
): unknown {
  const source = resources.find(({ varNames }) => varNames.includes(name));
  if (source === undefined) {
    const { kind = '', name: objectName = '' } = objref;
    throw buildError(where, `var '${name}' cannot be mapped to a field: there is no ${kind} ${objectName}`);
  }
  const path = fieldref.fieldPath || 'metadata.name';
  const steps = pathSteps(path).flatMap(indexSteps);
  const found = lookUp(source.object, steps, (what) => buildError(where, `var '${name}': ${what}`));
  if (found === undefined)
    throw buildError(where, `var '${name}': the field '${path}' is not in ${formatId(source.id)}`);
  return found.value;
}

/** `ports[0]` is `ports` and `0`. */
function indexSteps(step: string): string[] {
  const [, name, index] = /^(.*)\[([0-9]+)\]$/s.exec(step) ?? [];
  if (name === undefined || index === undefined) return [step];
  return name === '' ? [index] : [name, index];
}

interface Expansion {
  values: ReadonlyMap<string, unknown>;
  used: Set<string>;
}

function expandAt(resource: Resource, spec: FieldSpec, expansion: Expansion): void {
  visitFields(resource, { ...spec, create: false }, {}, (place) => {
    const value = valueAtPlace(place);
    if (typeof value === 'string') setAtPlace(place, expanded(value, expansion));
    else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        if (typeof item !== 'string')
          throw buildError(resource.source, `'${spec.path}' of ${formatId(resource.id)} should hold texts only`);
        value[index] = expanded(item, expansion);
      }
    } else if (isRecord(value)) {
      for (const key of Object.keys(value)) {
        const item = value[key];
        if (typeof item === 'string') value[key] = expanded(item, expansion);
      }
    }
  });
}

/** `$$` stands for a dollar sign; an unknown name stays as it is; a text that is nothing but a var gets its type too. */
function expanded(text: string, { values, used }: Expansion): unknown {
  if (!text.includes('$')) return text;
  const replace = (name: string): unknown => {
    const value = values.get(name);
    if (value === undefined || value === null || typeof value === 'object') return `$(${name})`;
    used.add(name);
    return value;
  };
  const whole = /^\$\(([^)]*)\)$/.exec(text)?.[1];
  if (whole !== undefined) return replace(whole);
  return text.replace(/\$(\$|\(([^)]*)\))/g, (_, after: string, name: string | undefined) =>
    after === '$' ? '$' : String(replace(name ?? '')),
  );
}
