import { deepEqual, isRecord } from '../base/json.ts';
import { groupOf, type KubeObject } from '../base/kube-object.ts';

/**
 * Whether applying would change anything that is asked for: labels, annotations, everything outside of metadata and status
 * (spec/kustomization.md §8.2, step 6).
 */
export function hasDrift(live: KubeObject, dryRun: KubeObject): boolean {
  return !deepEqual(comparable(live), comparable(dryRun));
}

function comparable({ metadata, status: _, ...rest }: KubeObject): unknown {
  const object = groupOf(rest.apiVersion) === 'autoscaling' ? withUniqueMetrics(rest) : rest;
  return { ...object, labels: metadata.labels ?? {}, annotations: metadata.annotations ?? {} };
}

/** A dry run of an autoscaler may give a metric twice that is stored once. */
function withUniqueMetrics<T extends Record<string, unknown>>(object: T): T {
  const { spec } = object;
  if (!isRecord(spec) || !Array.isArray(spec['metrics'])) return object;
  const unique = [...new Map(spec['metrics'].map((metric) => [JSON.stringify(metric), metric])).values()];
  return { ...object, spec: { ...spec, metrics: unique } };
}

const mostPointers = 20;

/** JSON pointers of what differs, without values: they may be secrets. */
export function driftPointers(live: KubeObject, dryRun: KubeObject): string[] {
  const found: string[] = [];
  const walk = (a: unknown, b: unknown, path: string) => {
    if (found.length >= mostPointers || deepEqual(a, b)) return;
    if (isRecord(a) && isRecord(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
        walk(a[key], b[key], `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
      }
    } else if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
      for (const [index, item] of a.entries()) walk(item, b[index], `${path}/${index}`);
    } else found.push(path);
  };
  walk(comparable(live), comparable(dryRun), '');
  return found;
}
