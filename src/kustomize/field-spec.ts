import { isRecord } from '../base/json.ts';
import { groupOf, type KubeObject, versionOf } from '../base/kube-object.ts';

/** A place in objects of a kind, as kustomize's configurations name it. */
export interface FieldSpec {
  group?: string;
  version?: string;
  kind?: string;
  /** Steps with `/` between them; `\/` is a slash within a step; lists are walked through. */
  path: string;
  /** The place is made where it is missing. */
  create?: boolean;
}

export function specMatches(spec: FieldSpec, { apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): boolean {
  return (
    (!spec.kind || spec.kind === kind) &&
    (!spec.group || spec.group === groupOf(apiVersion)) &&
    (!spec.version || spec.version === versionOf(apiVersion))
  );
}

/** Changes the value at every place of an object that the specs name. */
export function updateFields(
  object: KubeObject,
  specs: readonly FieldSpec[],
  change: (value: unknown) => unknown,
): void {
  for (const spec of specs) {
    if (specMatches(spec, object)) walk(object, splitPath(spec.path), spec.create === true, change);
  }
}

export function splitPath(path: string): string[] {
  return path
    .replaceAll('\\/', '\0')
    .split('/')
    .filter((step) => step !== '')
    .map((step) => step.replaceAll('\0', '/'));
}

function walk(target: unknown, path: readonly string[], create: boolean, change: (value: unknown) => unknown): void {
  if (Array.isArray(target)) {
    for (const item of target) walk(item, path, create, change);
    return;
  }
  const [step, ...rest] = path;
  if (!isRecord(target) || step === undefined) return;
  const key = step.endsWith('[]') ? step.slice(0, -2) : step;
  const value = target[key];
  const isMissing = value === undefined || value === null;
  if (rest.length === 0) {
    if (!isMissing || create) setOrWalk(target, key, value, step, change);
    return;
  }
  if (isMissing) {
    if (!create || step.endsWith('[]')) return;
    target[key] = {};
  }
  walk(target[key], rest, create, change);
}

function setOrWalk(
  target: Record<string, unknown>,
  key: string,
  value: unknown,
  step: string,
  change: (value: unknown) => unknown,
): void {
  if (step.endsWith('[]') && Array.isArray(value)) target[key] = value.map(change);
  else target[key] = change(value);
}
