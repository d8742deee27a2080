import { isRecord } from '../base/json.ts';
import { groupOf, versionOf } from '../base/kube-object.ts';
import { buildError } from './build-error.ts';
import { type FieldSpec, updateFields } from './field-spec.ts';
import type { Resource } from './resource.ts';

/** An entry of `vars`: a name for a field of an object. */
export interface Var {
  name: string;
  entry: Record<string, unknown>;
  where: string;
}

export function mergeVars(into: Var[], added: readonly Var[]): void {
  for (const one of added) {
    const known = into.find(({ name }) => name === one.name);
    if (known === undefined) into.push(one);
    else if (JSON.stringify(known.entry) !== JSON.stringify(one.entry) || known.where === one.where)
      throw buildError(one.where, `var '${one.name}' already encountered`);
  }
}

export function varsOf(entries: readonly Record<string, unknown>[], where: string): Var[] {
  return entries.map((entry) => {
    if (typeof entry['name'] !== 'string' || entry['name'] === '') throw buildError(where, 'a var has no name');
    return { name: entry['name'], entry, where };
  });
}

/** Puts the values in the place of `$(NAME)` at the places that may hold one. */
export function resolveVars(resources: readonly Resource[], vars: readonly Var[], specs: readonly FieldSpec[]): void {
  if (vars.length === 0) return;
  const values = new Map(vars.map((one) => [one.name, readVar(one, resources)]));
  const change = (value: unknown): unknown => {
    if (typeof value === 'string') return expand(value, values);
    if (Array.isArray(value)) return value.map(change);
    if (isRecord(value))
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, typeof item === 'string' ? expand(item, values) : item]),
      );
    return value;
  };
  for (const { object } of resources)
    updateFields(
      object,
      specs.map((spec) => ({ ...spec, create: false })),
      change,
    );
}

function readVar({ name, entry, where }: Var, resources: readonly Resource[]): unknown {
  const target = isRecord(entry['objref']) ? entry['objref'] : {};
  const apiVersion = typeof target['apiVersion'] === 'string' ? target['apiVersion'] : undefined;
  const found = resources.filter(
    ({ object, names, namespaces }) =>
      object.kind === target['kind'] &&
      names.includes(String(target['name'])) &&
      (apiVersion === undefined ||
        (groupOf(object.apiVersion) === groupOf(apiVersion) &&
          versionOf(object.apiVersion) === versionOf(apiVersion))) &&
      (typeof target['namespace'] !== 'string' || namespaces.includes(target['namespace'])),
  );
  const [first] = found;
  if (first === undefined)
    throw buildError(where, `var '${name}' cannot be mapped to a field in the set of known resources`);
  if (found.length > 1) throw buildError(where, `var '${name}': found ${found.length} resId matches`);
  const fieldRef = isRecord(entry['fieldref']) ? entry['fieldref'] : {};
  const path = String(fieldRef['fieldPath'] ?? fieldRef['fieldpath'] ?? 'metadata.name');
  let value: unknown = first.object;
  for (const step of varSteps(path)) {
    value = Array.isArray(value) ? value[Number(step)] : isRecord(value) ? value[step] : undefined;
  }
  if (value === undefined)
    throw buildError(
      where,
      `var '${name}': the field '${path}' is not in ${first.object.kind}/${first.object.metadata.name}`,
    );
  return value;
}

/** `spec.ports[0].port`, `metadata.annotations['a.b/c']`. */
function varSteps(path: string): string[] {
  const steps: string[] = [];
  for (const [, quoted, bracket, plain] of path.matchAll(/\[["']([^"']*)["']\]|\[([^\]]*)\]|((?:\\\.|[^.[\]])+)/g)) {
    steps.push((quoted ?? bracket ?? plain ?? '').replaceAll('\\.', '.'));
  }
  return steps;
}

/** `$$` stands for a dollar sign; an unknown name stays as it is; a whole text becomes a number where the value is one. */
function expand(text: string, values: ReadonlyMap<string, unknown>): unknown {
  const whole = /^\$\(([^)]*)\)$/.exec(text)?.[1];
  const value = whole === undefined ? undefined : values.get(whole);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return value;
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) => {
    if (name === undefined) return '$';
    const found = values.get(name);
    return found === undefined ? match : typeof found === 'object' ? JSON.stringify(found) : String(found);
  });
}
