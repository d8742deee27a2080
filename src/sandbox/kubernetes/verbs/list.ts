import type { KubeObject } from '../../../base/kube-object.ts';
import { forbiddenField, invalidValue } from '../errors/field-error.ts';
import { badRequest, invalid, StatusError } from '../errors/status-error.ts';
import type { Cluster } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import { fieldFilter, labelFilter, type ObjectFilter } from './selectors.ts';

export interface ListPage {
  items: KubeObject[];
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

/** The filter that a request's label and field selectors make; undefined when everything passes. */
export function requestFilter(
  resource: Resource,
  query: URLSearchParams,
  name: string | undefined,
): ObjectFilter | undefined {
  const byLabels = labelFilter(query.get('labelSelector'));
  const byFields = fieldFilter(resource, query.get('fieldSelector'));
  if (byLabels === undefined && byFields === undefined && name === undefined) return undefined;
  return (object) =>
    (name === undefined || object.metadata.name === name) &&
    (byLabels === undefined || byLabels(object.metadata.labels)) &&
    (byFields === undefined || byFields(object));
}

/** `GET` of a collection: filtered, and in pages where the request sets a limit. */
export function listObjects(
  cluster: Cluster,
  resource: Resource,
  namespace: string | undefined,
  query: URLSearchParams,
): ListPage {
  checkListOptions(query);
  const revision = cluster.store.revision();
  checkNotFuture(query.get('resourceVersion'), revision);
  const filter = requestFilter(resource, query, undefined);
  const token = query.get('continue');
  const position = token === null || token === '' ? undefined : readToken(token);
  const limit = Number(query.get('limit') ?? 0);

  let objects = cluster.store.list(resource.storage, namespace);
  if (position !== undefined) objects = objects.filter((object) => keyOf(object) > position.start);
  objects = objects.map(resource.fromStored);
  const matching = filter === undefined ? objects : objects.filter(filter);
  const at = position?.revision ?? revision;
  const page: ListPage = { items: matching, resourceVersion: String(at) };
  if (limit <= 0 || matching.length <= limit) return page;
  page.items = matching.slice(0, limit);
  const last = page.items.at(-1);
  if (last !== undefined) page.continue = writeToken({ revision: at, start: keyOf(last) });
  if (filter === undefined) page.remainingItemCount = matching.length - limit;
  return page;
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

interface Position {
  revision: number;
  /** The key of the last object that was given out. */
  start: string;
}

function writeToken({ revision, start }: Position): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

function readToken(token: string): Position {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>;
    if (v === 'meta.k8s.io/v1' && typeof rv === 'number' && typeof start === 'string') return { revision: rv, start };
  } catch {
    // Not one of our tokens.
  }
  throw badRequest('continue key is not valid: invalid character in token');
}

const listOptions = { group: 'meta.k8s.io', kind: 'ListOptions' };

export function checkListOptions(query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch');
  const version = query.get('resourceVersion');
  const watching = isTrue(query.get('watch'));
  if (query.get('sendInitialEvents') !== null && !watching) {
    throw invalid(listOptions, '', [forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list')]);
  }
  if (match === null || match === '' || watching) return;
  if (version === null || version === '') {
    const why = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
    throw invalid(listOptions, '', [forbiddenField('resourceVersionMatch', why)]);
  }
  if (match === 'Exact' && version === '0') {
    const why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
    throw invalid(listOptions, '', [forbiddenField('resourceVersionMatch', why)]);
  }
}

export function isTrue(value: string | null): boolean {
  return value !== null && /^(1|t|true)$/i.test(value);
}

/** Parses a resourceVersion; undefined where none is given. Throws 422 where it is not one. */
export function parseRevision(resource: Resource, version: string | null): number | undefined {
  if (version === null || version === '') return undefined;
  if (/^\d+$/.test(version)) return Number(version);
  const why = `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`;
  throw invalid({ group: resource.group, kind: resource.plural }, '', [invalidValue('resourceVersion', version, why)]);
}

/** A version that is not reached yet is refused for now. */
export function checkNotFuture(version: string | null, revision: number): void {
  if (version === null || !/^\d+$/.test(version) || Number(version) <= revision) return;
  throw new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${version}, current: ${revision}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
