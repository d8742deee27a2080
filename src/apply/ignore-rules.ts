import { RE2JS } from 're2js';
import { errorMessage, MillraceError } from '../base/error.ts';
import { deepEqual, isRecord } from '../base/json.ts';
import { groupOf, type KubeObject, versionOf } from '../base/kube-object.ts';
import { parseLabelSelector } from './label-selector.ts';
import { isAppliedByOther } from './managed-fields.ts';

/** `spec.ignore[]`: fields whose drift is nobody's business. */
export interface IgnoreRule {
  paths: readonly string[];
  target?:
    | {
        group?: string | undefined;
        version?: string | undefined;
        kind?: string | undefined;
        name?: string | undefined;
        namespace?: string | undefined;
        labelSelector?: string | undefined;
        annotationSelector?: string | undefined;
      }
    | undefined;
}

/** Gives the ignored paths of an object, each as the keys that lead to it. */
export type IgnoredPaths = (object: KubeObject) => string[][];

/** Compiles the rules (spec/kustomization.md §8.6). Throws BAD_INPUT for a pattern, selector or pointer that is none. */
export function compileIgnoreRules(rules: readonly IgnoreRule[]): IgnoredPaths {
  const compiled = rules.map(({ paths, target }, index) => ({
    paths: paths.map((path) => parsePointer(path, `spec.ignore[${index}].paths`)),
    matches: compileTarget(target ?? {}, `spec.ignore[${index}].target`),
  }));
  return (object) => compiled.filter(({ matches }) => matches(object)).flatMap(({ paths }) => paths);
}

function compileTarget(target: NonNullable<IgnoreRule['target']>, where: string): (object: KubeObject) => boolean {
  const pattern = (name: 'group' | 'version' | 'kind' | 'name' | 'namespace') => {
    const text = target[name];
    if (text === undefined || text === '') return () => true;
    try {
      const compiled = RE2JS.compile(`^(?:${text})$`);
      return (value: string) => compiled.matcher(value).find();
    } catch (cause) {
      throw badInput(`${where}.${name}: ${errorMessage(cause)}`, cause);
    }
  };
  const [group, version, kind] = [pattern('group'), pattern('version'), pattern('kind')];
  const [name, namespace] = [pattern('name'), pattern('namespace')];
  const labels = parseLabelSelector(target.labelSelector ?? '', `${where}.labelSelector`);
  const annotations = parseLabelSelector(target.annotationSelector ?? '', `${where}.annotationSelector`);
  return ({ apiVersion, kind: ofKind, metadata }) =>
    group(groupOf(apiVersion)) &&
    version(versionOf(apiVersion)) &&
    kind(ofKind) &&
    name(metadata.name) &&
    namespace(metadata.namespace ?? '') &&
    labels(metadata.labels ?? {}) &&
    annotations(metadata.annotations ?? {});
}

/** RFC 6901. */
function parsePointer(pointer: string, where: string): string[] {
  if (!pointer.startsWith('/')) throw badInput(`${where}: '${pointer}' is no JSON pointer`);
  return pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The object without the values at some paths. */
export function withoutPaths<T>(object: T, paths: readonly string[][]): T {
  if (paths.length === 0) return object;
  const copy = structuredClone(object);
  for (const path of paths) removeAt(copy, path);
  return copy;
}

/**
 * What to apply when an object must be applied although some of its fields are ignored: of those that an apply would change
 * (`dryRun` is its result), one that another manager applies is left to it, any other takes the live value.
 */
export function withIgnoredFields(
  desired: KubeObject,
  { live, dryRun }: { live: KubeObject; dryRun: KubeObject },
  paths: readonly string[][],
  manager: string,
): KubeObject {
  const payload = structuredClone(desired);
  for (const path of paths) {
    const found = at(live, path);
    if (deepEqual(at(dryRun, path), found)) continue;
    if (found === undefined || isAppliedByOther(live, manager, path)) removeAt(payload, path);
    else setAt(payload, path, found);
  }
  return payload;
}

function at(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const key of path) current = child(current, key);
  return current;
}

function child(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function removeAt(value: unknown, path: readonly string[]): void {
  const parent = at(value, path.slice(0, -1));
  const key = path.at(-1) ?? '';
  if (Array.isArray(parent)) {
    if (Number(key) < parent.length) parent.splice(Number(key), 1);
  } else if (isRecord(parent)) delete parent[key];
}

function setAt(value: unknown, path: readonly string[], to: unknown): void {
  let current = value;
  for (const key of path.slice(0, -1)) {
    if (isRecord(current) && !isRecord(current[key]) && !Array.isArray(current[key])) current[key] = {};
    current = child(current, key);
  }
  const key = path.at(-1) ?? '';
  if (Array.isArray(current)) current[Number(key)] = to;
  else if (isRecord(current)) current[key] = to;
}

function badInput(message: string, cause?: unknown): MillraceError {
  return new MillraceError('BAD_INPUT', message, { cause, retry: 'never' });
}
