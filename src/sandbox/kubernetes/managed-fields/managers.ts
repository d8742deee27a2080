import { isRecord } from '../../../base/json.ts';
import type { KubeObject, ManagedFieldsEntry } from '../../../base/kube-object.ts';
import { emptySet, type FieldSet, isEmpty, recursiveDifference, sorted } from './field-set.ts';

/** Who set fields, by which operation, in which version and at which subresource: one entry of `managedFields`. */
export interface Manager {
  name: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource: string;
  time: string | undefined;
  set: FieldSet;
}

/** Two operations are one manager's when these agree; an applier keeps its entry across API versions. */
export function managerKey(manager: Omit<Manager, 'set' | 'time'>): string {
  const { name, operation, apiVersion, subresource } = manager;
  return JSON.stringify({
    manager: name,
    operation,
    ...(operation === 'Update' && { apiVersion }),
    ...(subresource !== '' && { subresource }),
  });
}

/** The managers of an object. Entries that cannot be understood make the object count as unmanaged, as in Kubernetes. */
export function managersOf(entries: readonly ManagedFieldsEntry[] | undefined): Manager[] {
  const managers: Manager[] = [];
  for (const entry of entries ?? []) {
    const { operation } = entry;
    if ((operation !== 'Apply' && operation !== 'Update') || entry.apiVersion === undefined) return [];
    managers.push({
      name: entry.manager ?? '',
      operation,
      apiVersion: entry.apiVersion,
      subresource: entry.subresource ?? '',
      time: entry.time,
      set: isRecord(entry.fieldsV1) ? (entry.fieldsV1 as FieldSet) : emptySet,
    });
  }
  return managers;
}

/** The entries as they are stored: appliers first, then by time and name; sets in wire order. */
export function managedFieldsOf(managers: readonly Manager[]): ManagedFieldsEntry[] | undefined {
  if (managers.length === 0) return undefined;
  return [...managers].sort(compareManagers).map(({ name, operation, apiVersion, subresource, time, set }) => ({
    manager: name,
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: sorted(set) as Record<string, unknown>,
    ...(subresource !== '' && { subresource }),
  }));
}

function compareManagers(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.name, b.name) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const serverSide: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    'f:clusterName': {},
    'f:creationTimestamp': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:name': {},
    'f:namespace': {},
    'f:resourceVersion': {},
    'f:selfLink': {},
    'f:uid': {},
  },
};

/** The set without the fields that nobody can own: type, identity and what the server alone writes. */
export function withoutServerSide(set: FieldSet): FieldSet {
  const rest = recursiveDifference(set, serverSide);
  const metadata = rest['f:metadata'];
  if (metadata === undefined || metadata['.'] === undefined) return rest;
  const { '.': _, ...children } = metadata;
  const { 'f:metadata': __, ...others } = rest;
  return isEmpty(children) ? others : { ...others, 'f:metadata': children };
}

/** The object without its `managedFields`: what ownership is computed on. */
export function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/**
 * The entries that a request asks for: those it carries, none where it resets them by one empty entry, and otherwise those of
 * the live object.
 */
export function requestedManagers(
  requested: readonly ManagedFieldsEntry[] | undefined,
  live: readonly ManagedFieldsEntry[] | undefined,
): Manager[] {
  if (requested?.length === 1 && Object.keys(requested[0] ?? {}).length === 0) return [];
  const carried = managersOf(requested);
  return carried.length > 0 ? carried : managersOf(live);
}
