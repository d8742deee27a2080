import type { KubeObject, ManagedFieldsEntry } from '../../base/kube-object.ts';
import { compareBytes } from '../../base/text.ts';
import {
  difference,
  type FieldSet,
  formatPath,
  intersection,
  isEmpty,
  members,
  noFields,
  sameFields,
  union,
} from './field-set.ts';
import type { ApiSchema } from './schema.ts';
import { ApiFailure, type StatusCause } from './status.ts';
import { compare, fieldsOf, mergeValues, prune } from './typed-value.ts';

/** Who writes, and how: what tells one entry of `managedFields` from another. */
export interface Writer {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource?: string;
}

export interface WriteContext {
  schema: ApiSchema;
  writer: Writer;
  /** RFC 3339, for entries that change. */
  now: string;
}

interface Entry extends Writer {
  time?: string;
  fields: FieldSet;
}

/** The object after an update, with the writer owning what it has changed. */
export function trackUpdate(before: KubeObject | undefined, after: KubeObject, context: WriteContext): KubeObject {
  const entries = decode(before ?? after);
  const changes = comparison(before, after, context.schema);
  takeAway(entries, changes, context);
  const own = entryOf(entries, context.writer);
  const fields = union(union(difference(own.fields, changes.removed), changes.modified), changes.added);
  replace(own, fields, context.now);
  return encode(after, entries);
}

/**
 * Server-side apply of `config` to `live`: merged, with what the manager no longer names taken away. Throws a conflict where
 * another manager owns a field that would change, unless forced. The result is `live` itself where nothing changes.
 */
export function applyConfig(live: KubeObject, config: KubeObject, context: WriteContext, force: boolean): KubeObject {
  const entries = decode(live);
  const own = entryOf(entries, context.writer);
  const applied = withoutSystemFields(fieldsOf(config, context.schema));
  const others = entries.filter((entry) => entry !== own).map(({ fields }) => fields);
  const merged = mergeValues(live, config, context.schema) as KubeObject;
  const pruned = prune(merged, own.fields, [...others, applied], context.schema) as KubeObject;
  const changes = comparison(live, pruned, context.schema);
  if (!force) refuseConflicts(entries, changes, context);
  takeAway(entries, changes, context);
  replace(own, applied, context.now);
  return encode(pruned, entries);
}

type Changes = ReturnType<typeof compare>;

function comparison(before: KubeObject | undefined, after: KubeObject, schema: ApiSchema): Changes {
  const { added, modified, removed } = compare(before ?? {}, after, schema);
  return {
    added: withoutSystemFields(added),
    modified: withoutSystemFields(modified),
    removed: withoutSystemFields(removed),
  };
}

const systemMetadata = [
  '.',
  'f:name',
  'f:namespace',
  'f:creationTimestamp',
  'f:selfLink',
  'f:uid',
  'f:clusterName',
  'f:generation',
  'f:managedFields',
  'f:resourceVersion',
  'f:deletionTimestamp',
  'f:deletionGracePeriodSeconds',
];

/** Fields that identify the object or that the server alone writes belong to nobody. */
function withoutSystemFields(set: FieldSet): FieldSet {
  const { 'f:apiVersion': _a, 'f:kind': _k, 'f:metadata': metadata, ...rest } = set;
  if (metadata === undefined) return rest;
  const kept = Object.fromEntries(Object.entries(metadata).filter(([element]) => !systemMetadata.includes(element)));
  return isEmpty(kept) ? rest : { ...rest, 'f:metadata': kept };
}

function refuseConflicts(entries: readonly Entry[], { added, modified }: Changes, { writer }: WriteContext): void {
  const touched = union(modified, added);
  const causes: StatusCause[] = [];
  const byManager = new Map<string, string[]>();
  for (const entry of entries) {
    if (isSame(entry, writer)) continue;
    const paths = [...members(intersection(entry.fields, touched))].map(formatPath);
    if (paths.length === 0) continue;
    const name = nameOf(entry);
    byManager.set(name, [...(byManager.get(name) ?? []), ...paths]);
  }
  for (const [name, paths] of [...byManager].sort(([a], [b]) => compareBytes(a, b))) {
    for (const field of paths) causes.push({ reason: 'FieldManagerConflict', message: `conflict with ${name}`, field });
  }
  if (causes.length === 0) return;
  throw new ApiFailure(409, 'Conflict', conflictMessage(causes, byManager), { causes });
}

function conflictMessage(causes: readonly StatusCause[], byManager: ReadonlyMap<string, string[]>): string {
  const [first] = causes;
  if (causes.length === 1 && first !== undefined)
    return `Apply failed with 1 conflict: ${first.message}: ${first.field}`;
  const parts = [...byManager]
    .sort(([a], [b]) => compareBytes(a, b))
    .map(([name, paths]) => `conflicts with ${name}:\n${paths.map((path) => `- ${path}`).join('\n')}`);
  return `Apply failed with ${causes.length} conflicts: ${parts.join('\n')}`;
}

function nameOf({ manager, operation, apiVersion, subresource }: Entry): string {
  const where = subresource === undefined ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(manager)}${where}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}

/** Other managers lose what has been changed or removed. */
function takeAway(entries: Entry[], { added, modified, removed }: Changes, { writer, now }: WriteContext): void {
  const touched = isEmpty(added) ? modified : union(modified, added);
  if (isEmpty(touched) && isEmpty(removed)) return;
  for (const entry of entries) {
    if (isSame(entry, writer)) continue;
    replace(entry, difference(difference(entry.fields, touched), removed), now);
  }
}

function replace(entry: Entry, fields: FieldSet, now: string): void {
  if (sameFields(entry.fields, fields)) return;
  entry.fields = fields;
  entry.time = now;
}

function entryOf(entries: Entry[], writer: Writer): Entry {
  const known = entries.find((entry) => isSame(entry, writer));
  if (known !== undefined) return known;
  const entry: Entry = { ...writer, fields: noFields };
  entries.push(entry);
  return entry;
}

function isSame(a: Writer, b: Writer): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.apiVersion === b.apiVersion &&
    (a.subresource ?? '') === (b.subresource ?? '')
  );
}

function decode(object: KubeObject): Entry[] {
  return (object.metadata.managedFields ?? []).map((entry) => ({
    manager: entry.manager ?? '',
    operation: entry.operation ?? 'Update',
    apiVersion: entry.apiVersion ?? '',
    ...(entry.subresource === undefined ? {} : { subresource: entry.subresource }),
    ...(entry.time === undefined ? {} : { time: entry.time }),
    fields: (entry.fieldsV1 ?? {}) as FieldSet,
  }));
}

function encode(object: KubeObject, entries: readonly Entry[]): KubeObject {
  const encoded = entries
    .filter(({ fields }) => !isEmpty(fields))
    .map(
      ({ manager, operation, apiVersion, time, fields, subresource }): ManagedFieldsEntry => ({
        manager,
        operation,
        apiVersion,
        time,
        fieldsType: 'FieldsV1',
        fieldsV1: fields,
        ...(subresource === undefined ? {} : { subresource }),
      }),
    )
    .sort(inOrder);
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: encoded.length === 0 ? metadata : { ...metadata, managedFields: encoded } };
}

function inOrder(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  return (
    compareBytes(a.operation ?? '', b.operation ?? '') ||
    compareBytes(a.time ?? '', b.time ?? '') ||
    compareBytes(a.manager ?? '', b.manager ?? '') ||
    compareBytes(a.apiVersion ?? '', b.apiVersion ?? '') ||
    compareBytes(a.subresource ?? '', b.subresource ?? '')
  );
}
