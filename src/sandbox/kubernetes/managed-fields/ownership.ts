import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { deepEqual } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type StatusCause, StatusError } from '../errors/status-error.ts';
import { type Comparison, compareValues } from './compare.ts';
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmpty,
  paths,
  recursiveDifference,
  union,
} from './field-set.ts';
import { type Manager, managerKey, withoutServerSide } from './managers.ts';
import { mergeValues } from './merge-values.ts';
import { prune } from './prune.ts';
import { formatPath } from './typed-value.ts';

/** Who is writing, and what of the object this endpoint leaves alone (`status` on the main resource, `spec` on status). */
export interface Writer {
  name: string;
  apiVersion: string;
  subresource: string;
  /** RFC 3339 time of the write. */
  time: string;
  resetFields: FieldSet;
}

/** The managers after a create, update or patch that is not an apply. Objects are given without `managedFields`. */
export function managersAfterUpdate(
  node: SchemaNode,
  before: KubeObject,
  after: KubeObject,
  managers: readonly Manager[],
  writer: Writer,
): Manager[] {
  const compared = compareFor(node, before, after, writer.resetFields);
  const others = settle(managers, undefined, compared);
  const taken = withoutServerSide(union(compared.added, compared.modified));
  if (isEmpty(taken)) return others;
  const mine: Manager = {
    name: writer.name,
    operation: 'Update',
    apiVersion: writer.apiVersion,
    subresource: writer.subresource,
    time: writer.time,
    set: taken,
  };
  return capManagers(addTo(others, mine), writer.time);
}

/** Adds a manager's fields to what it owns already. */
function addTo(managers: readonly Manager[], added: Manager): Manager[] {
  const key = managerKey(added);
  const known = managers.find((manager) => managerKey(manager) === key);
  if (known === undefined) return [...managers, added];
  const joined = { ...added, set: union(known.set, added.set) };
  return managers.map((manager) => (manager === known ? joined : manager));
}

export interface Applied {
  /** The object with the configuration laid over it; the live object itself when nothing changed. */
  object: KubeObject;
  managers: Manager[];
}

/**
 * Server-side apply: merges, prunes what the applier gave up, and moves ownership.
 * Throws a 409 with a cause for each field that somebody else owns, unless `force`.
 */
export function applyConfiguration(
  node: SchemaNode,
  live: KubeObject,
  configuration: KubeObject,
  appliedSet: FieldSet,
  managers: readonly Manager[],
  writer: Writer,
  force: boolean,
): Applied {
  const key = managerKey({ ...writer, operation: 'Apply' });
  const last = managers.find((manager) => managerKey(manager) === key);
  const set = withoutServerSide(recursiveDifference(appliedSet, writer.resetFields));
  const lastSet = last === undefined ? emptySet : recursiveDifference(last.set, writer.resetFields);
  const others = managers.filter((manager) => manager !== last);

  const merged = mergeValues(node, live, withoutReset(configuration, writer.resetFields));
  const owned = others.reduce((all, manager) => union(all, manager.set), set);
  const object = prune(node, merged, lastSet, owned) as KubeObject;

  const unchanged = deepEqual(live, object);
  const mine: Manager = {
    name: writer.name,
    operation: 'Apply',
    apiVersion: writer.apiVersion,
    subresource: writer.subresource,
    // The time moves only when the object does.
    time: unchanged && last !== undefined && deepEqual(last.set, set) ? last.time : writer.time,
    set,
  };
  if (unchanged) return { object: live, managers: withApplier(others, mine) };
  const compared = compareFor(node, live, object, writer.resetFields);
  const conflicts = conflictsWith(others, compared);
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  return { object, managers: withApplier(settle(others, conflicts, compared), mine) };
}

function withApplier(others: Manager[], mine: Manager): Manager[] {
  return isEmpty(mine.set) ? others : [...others, mine];
}

function withoutReset(configuration: KubeObject, resetFields: FieldSet): KubeObject {
  if (isEmpty(resetFields)) return configuration;
  const result: KubeObject = { ...configuration };
  for (const element in resetFields) if (isEmpty(resetFields[element] ?? emptySet)) delete result[element.slice(2)];
  return result;
}

function compareFor(node: SchemaNode, before: KubeObject, after: KubeObject, resetFields: FieldSet): Comparison {
  const { added, modified, removed } = compareValues(node, before, after);
  return {
    added: recursiveDifference(added, resetFields),
    modified: recursiveDifference(modified, resetFields),
    removed: recursiveDifference(removed, resetFields),
  };
}

interface Conflict {
  manager: Manager;
  set: FieldSet;
}

function conflictsWith(managers: readonly Manager[], compared: Comparison): Conflict[] {
  const changed = union(compared.added, compared.modified);
  if (isEmpty(changed)) return [];
  return managers
    .map((manager) => ({ manager, set: intersection(manager.set, changed) }))
    .filter(({ set }) => !isEmpty(set));
}

/** Takes changed and removed fields from their former owners; who owns nothing any more is dropped. */
function settle(
  managers: readonly Manager[],
  conflicts: readonly Conflict[] | undefined,
  compared: Comparison,
): Manager[] {
  const lost = union(union(compared.added, compared.modified), compared.removed);
  if (isEmpty(lost) && conflicts === undefined) return managers.filter(({ set }) => !isEmpty(set));
  const result: Manager[] = [];
  for (const manager of managers) {
    const set = difference(manager.set, lost);
    if (!isEmpty(set)) result.push(set === manager.set ? manager : { ...manager, set });
  }
  return result;
}

function conflictError(conflicts: readonly Conflict[]): StatusError {
  const fields = conflicts
    .map(({ manager, set }) => ({
      key: managerKey(manager),
      who: describeManager(manager),
      paths: paths(set).map(formatPath),
    }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const causes = fields.flatMap(({ who, paths }) =>
    paths.map((field): StatusCause => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })),
  );
  const text =
    causes.length === 1
      ? `1 conflict: ${causes[0]?.message}: ${causes[0]?.field}`
      : `${causes.length} conflicts: ${fields
          .map(({ who, paths }) => `conflicts with ${who}:\n${paths.map((path) => `- ${path}`).join('\n')}`)
          .join('\n')}`;
  return new StatusError(409, 'Conflict', `Apply failed with ${text}`, { causes });
}

function describeManager({ name, operation, apiVersion, subresource }: Manager): string {
  const where = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(name)}${where}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}

/** The real server keeps at most this many updaters and joins the oldest above it. */
const mostUpdaters = 10;
const joinedName = 'ancient-changes';

function capManagers(managers: Manager[], time: string): Manager[] {
  const updaters = managers.filter(({ operation }) => operation === 'Update');
  if (updaters.length <= mostUpdaters) return managers;
  const byAge = [...updaters].sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? -1 : 1));
  const oldest = byAge.slice(0, updaters.length - mostUpdaters + 1);
  let result = managers.filter((manager) => !oldest.includes(manager));
  for (const { apiVersion, set, time: since } of oldest) {
    const joined = {
      name: joinedName,
      operation: 'Update' as const,
      apiVersion,
      subresource: '',
      time: since ?? time,
      set,
    };
    result = addTo(result, joined);
  }
  return result;
}
