import { deepEqual, isRecord } from '../base/json.ts';
import type { KubeObject, ManagedFieldsEntry } from '../base/kube-object.ts';
import { hasControl } from './controls.ts';

/** Left behind by kubectl and by early versions of Flux (spec/kustomization.md §8.2, step 5). */
const obsoleteAnnotations = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'kustomize.toolkit.fluxcd.io/checksum',
  'fluxcd.io/sync-checksum',
];
const obsoleteLabels = ['fluxcd.io/sync-gc-mark'];

interface JsonPatchStep {
  op: 'remove' | 'replace';
  path: string;
  value?: unknown;
}

/**
 * The JSON patch that makes `manager` the applier of what kubectl and other earlier managers own of a live object, so that
 * the next apply removes those of their fields that are not in the manifests: this is how kubectl edits are undone.
 * Undefined where there is nothing to take over, or the object asks for its fields to be merged.
 */
export function takeoverPatch(
  live: KubeObject,
  desired: KubeObject,
  { manager, overrideManagers = [] }: { manager: string; overrideManagers?: readonly string[] | undefined },
): JsonPatchStep[] | undefined {
  if (hasControl(desired, 'ssa', 'merge') || hasControl(live, 'ssa', 'merge')) return undefined;
  const steps = [
    ...removals('annotations', live.metadata.annotations, obsoleteAnnotations),
    ...removals('labels', live.metadata.labels, obsoleteLabels),
  ];
  const entries = takenOver(live.metadata.managedFields ?? [], manager, overrideManagers, live.apiVersion);
  if (entries !== undefined) steps.push({ op: 'replace', path: '/metadata/managedFields', value: entries });
  if (steps.length === 0) return undefined;
  // Fails with a conflict if the object has changed since it was read.
  return [{ op: 'replace', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion }, ...steps];
}

/** The JSON patch that moves all ownership of a live object to the API version of its manifest; undefined where it is there. */
export function migrationPatch(live: KubeObject | undefined, { apiVersion }: KubeObject): JsonPatchStep[] | undefined {
  const entries = live?.metadata.managedFields ?? [];
  if (entries.every((entry) => entry.apiVersion === apiVersion)) return undefined;
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: live?.metadata.resourceVersion },
    { op: 'replace', path: '/metadata/managedFields', value: entries.map((entry) => ({ ...entry, apiVersion })) },
  ];
}

function removals(
  field: 'annotations' | 'labels',
  present: Readonly<Record<string, string>> | undefined,
  names: readonly string[],
): JsonPatchStep[] {
  return names
    .filter((name) => present?.[name] !== undefined)
    .map((name) => ({ op: 'remove', path: `/metadata/${field}/${name.replaceAll('/', '~1')}` }));
}

function takenOver(
  entries: readonly ManagedFieldsEntry[],
  manager: string,
  overrideManagers: readonly string[],
  apiVersion: string,
): ManagedFieldsEntry[] | undefined {
  const isObsolete = ({ manager: name = '', operation, subresource }: ManagedFieldsEntry) => {
    if (subresource !== undefined && subresource !== '') return false;
    if (name.startsWith('kubectl') || overrideManagers.some((other) => name.startsWith(other))) return true;
    return operation === 'Update' && (name.startsWith('before-first-apply') || name.startsWith(manager));
  };
  const obsolete = entries.filter(isObsolete);
  if (obsolete.length === 0) return undefined;
  const isOwn = ({ manager: name, operation, subresource }: ManagedFieldsEntry) =>
    name === manager && operation === 'Apply' && !subresource;
  const own = entries.find(isOwn);
  const fieldsV1 = obsolete.reduce<Record<string, unknown>>(
    (union, entry) => mergeFields(union, entry.fieldsV1 ?? {}),
    own?.fieldsV1 ?? {},
  );
  const merged: ManagedFieldsEntry = {
    manager,
    operation: 'Apply',
    apiVersion: own?.apiVersion ?? obsolete[0]?.apiVersion ?? apiVersion,
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...timeOf(own ?? obsolete[0]),
  };
  return [merged, ...entries.filter((entry) => entry !== own && !isObsolete(entry))];
}

function timeOf(entry: ManagedFieldsEntry | undefined): { time?: string } {
  return entry?.time === undefined ? {} : { time: entry.time };
}

function mergeFields(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const known = merged[key];
    merged[key] = isRecord(known) && isRecord(value) ? mergeFields(known, value) : value;
  }
  return merged;
}

/** Whether a manager other than `manager` applies the field that the keys and list positions of a path lead to. */
export function isAppliedByOther(live: KubeObject, manager: string, path: readonly string[]): boolean {
  return (live.metadata.managedFields ?? []).some(({ manager: name, operation, subresource, fieldsV1 }) => {
    if (operation !== 'Apply' || name === manager || subresource) return false;
    let fields: unknown = fieldsV1;
    let value: unknown = live;
    for (const key of path) {
      if (!isRecord(fields)) return false;
      if (Array.isArray(value)) {
        value = value[Number(key)];
        fields = fields[itemKey(fields, value) ?? ''];
      } else {
        fields = fields[`f:${key}`];
        value = isRecord(value) ? value[key] : undefined;
      }
    }
    return fields !== undefined;
  });
}

/** How an entry of managed fields names an item of a list: `k:{"name":"web"}`, of a set `v:"web"`. */
function itemKey(fields: Record<string, unknown>, item: unknown): string | undefined {
  return Object.keys(fields).find((name) => {
    if (!/^[kv]:/.test(name)) return false;
    const written: unknown = JSON.parse(name.slice(2));
    if (name.startsWith('v:')) return deepEqual(written, item);
    if (!isRecord(written) || !isRecord(item)) return false;
    return Object.entries(written).every(([key, value]) => deepEqual(item[key], value));
  });
}
