import { isRecord } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type FieldError, forbiddenField, unsupported } from '../errors/field-error.ts';
import { badRequest, invalid, StatusError } from '../errors/status-error.ts';
import type { Cluster } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import { goJsonFaults } from '../schema/go-json.ts';
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

/** `GET` of a collection: filtered, and in pages of one snapshot where the request sets a limit. */
export function listObjects(
  cluster: Cluster,
  resource: Resource,
  namespace: string | undefined,
  query: URLSearchParams,
): ListPage {
  const limit = wholeNumber(query, 'limit');
  checkListOptions(query);
  const { store } = cluster;
  const token = query.get('continue') ?? '';
  const version = query.get('resourceVersion') ?? '';
  const position = token === '' ? undefined : readToken(token);
  if (position !== undefined && version !== '' && version !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const wanted = parseRevision(version);
  checkNotFuture(version, store.revision());
  const filter = requestFilter(resource, query, undefined);

  const isExact = query.get('resourceVersionMatch') === 'Exact' || (limit > 0 && !query.get('resourceVersionMatch'));
  const asked = position?.revision ?? (isExact ? wanted : undefined) ?? 0;
  const at = asked > 0 ? asked : store.revision();
  let objects = snapshot(cluster, resource, namespace, at);
  if (objects === undefined) throw tooOld(position);
  if (position !== undefined) objects = objects.filter((object) => keyOf(object) > position.start);
  objects = objects.map(resource.fromStored);
  const matching = filter === undefined ? objects : objects.filter(filter);
  const page: ListPage = { items: matching, resourceVersion: String(at) };
  if (limit <= 0 || matching.length <= limit) return page;
  page.items = matching.slice(0, limit);
  const last = page.items.at(-1);
  if (last !== undefined) page.continue = writeToken({ revision: at, start: keyOf(last) });
  if (filter === undefined) page.remainingItemCount = matching.length - limit;
  return page;
}

/** The objects as they were at a revision, by key; undefined when what changed since is not remembered any more. */
function snapshot(
  { store }: Cluster,
  { storage }: Resource,
  namespace: string | undefined,
  revision: number,
): KubeObject[] | undefined {
  const objects = store.list(storage, namespace);
  if (revision >= store.revision()) return objects;
  const changes = store.changesSince(storage, revision);
  if (changes === undefined) return undefined;
  const inPlace = changes.filter(({ object }) => namespace === undefined || object.metadata.namespace === namespace);
  if (inPlace.length === 0) return objects;
  const byKey = new Map(objects.map((object) => [keyOf(object), object]));
  for (const { object, previous } of inPlace.reverse()) {
    if (previous === undefined) byKey.delete(keyOf(object));
    else byKey.set(keyOf(object), previous);
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}

function tooOld(position: Position | undefined): StatusError {
  if (position === undefined) {
    return new StatusError(410, 'Expired', 'The resourceVersion for the provided list is too old.');
  }
  const message =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the ' +
    'continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing ' +
    'with the provided token results in an inconsistent list - objects that were created, modified, or deleted between ' +
    'the time the first chunk was returned and now may show up in the list.';
  return new StatusError(410, 'Expired', message, undefined, { continue: writeToken({ ...position, revision: -1 }) });
}

/** A number of the query; 0 where it is absent. Throws 400. */
function wholeNumber(query: URLSearchParams, name: string): number {
  const text = query.get(name);
  if (text === null || text === '') return 0;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

interface Position {
  /** The revision that all pages show; -1: that of the request, once the first one is forgotten. */
  revision: number;
  /** The key of the last object that was given out. */
  start: string;
}

function writeToken({ revision, start }: Position): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

function readToken(token: string): Position {
  const invalidToken = (why: string) => badRequest(`invalid continue token: continue key is not valid${why}`);
  const illegal = /[^A-Za-z0-9_-]/.exec(token);
  if (illegal !== null) throw invalidToken(`: illegal base64 data at input byte ${illegal.index}`);
  const text = Buffer.from(token, 'base64url').toString();
  const { syntax } = goJsonFaults(text);
  const value: unknown = syntax === undefined ? JSON.parse(text) : undefined;
  if (!isRecord(value)) throw invalidToken(`: ${syntax ?? 'not an object'}`);
  const { v, rv, start } = value;
  if (v !== 'meta.k8s.io/v1') throw invalidToken(`: server does not recognize this encoded version ${String(v ?? '')}`);
  if (typeof rv !== 'number' || rv === 0)
    throw invalidToken(': incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof start !== 'string' || start === '')
    throw invalidToken(': encoded start key empty (version meta.k8s.io/v1)');
  return { revision: rv, start };
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
  const faults: FieldError[] = [];
  const forbid = (why: string) => faults.push(forbiddenField('resourceVersionMatch', `resourceVersionMatch ${why}`));
  if (version === null || version === '') forbid('is forbidden unless resourceVersion is provided');
  if (query.get('continue')) forbid('is forbidden when continue is provided');
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    faults.push(unsupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
  }
  if (match === 'Exact' && version === '0') forbid('"exact" is forbidden for resourceVersion "0"');
  if (faults.length > 0) throw invalid(listOptions, '', faults);
}

export function isTrue(value: string | null): boolean {
  return value !== null && /^(1|t|true)$/i.test(value);
}

/** Parses a resourceVersion; undefined where none is given. Throws 400 where it is not one. */
export function parseRevision(version: string | null): number | undefined {
  if (version === null || version === '') return undefined;
  if (/^\d+$/.test(version)) return Number(version);
  const why = `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`;
  throw badRequest(`invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(version)}: ${why}`);
}

/** A version that is not reached yet is refused for now. */
export function checkNotFuture(version: string | null, revision: number): void {
  if (version === null || !/^\d+$/.test(version) || Number(version) <= revision) return;
  throw new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${version}, current: ${revision}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
