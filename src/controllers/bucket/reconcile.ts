import type { Bucket } from '../../api/bucket.ts';
import { withDeadline } from '../../base/deadline.ts';
import { parseDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import { keyOf } from '../../base/kube-object.ts';
import type { HttpClient } from '../../http/http-client.ts';
import { removeConditions, setCondition } from '../../runtime/conditions.ts';
import type { SummaryRules } from '../../runtime/summary.ts';
import { writeContentArchive } from '../source/content-archive.ts';
import {
  announceRevision,
  type SourceDeps,
  type SourceKind,
  type SourceResult,
  type SourceRun,
} from '../source/reconcile-source.ts';
import { SourceFault } from '../source/source-fault.ts';
import { withSpool } from '../source/spool.ts';
import { withStorageFault } from '../source/storage-fault.ts';
import { transportOf } from '../source/transport.ts';
import { type CredentialDeps, type CredentialSource, credentialSourceOf } from './bucket-credentials.ts';
import { type FetchedBucket, fetchObjects } from './bucket-fetch.ts';
import { type BucketIndex, indexBucket, revisionOf } from './bucket-index.ts';
import { createS3Client, type S3Client } from './s3-client.ts';

export interface BucketDeps extends SourceDeps, CredentialDeps {
  /** Folder for what is fetched on the way; default the store's. */
  tempDir?: string;
  /** Default 4. */
  concurrency?: number;
  /** An artifact may not hold more than this. Default 4 GiB. */
  maxArchiveBytes?: number;
}

const order = [
  'StorageOperationFailed',
  'FetchFailed',
  'ArtifactOutdated',
  'ArtifactInStorage',
  'Stalled',
  'Reconciling',
];
const rules: SummaryRules = { order, abnormalTrue: order.filter((type) => type !== 'ArtifactInStorage') };

export function bucketKind(deps: BucketDeps): SourceKind<Bucket> {
  return { kind: 'Bucket', rules, work: (run) => reconcileBucket(run, deps) };
}

type Run = SourceRun<Bucket>;

/** spec/source.md §6. */
async function reconcileBucket(run: Run, deps: BucketDeps): Promise<SourceResult> {
  const { object, signal } = run;
  const { http, credentials } = await withAuthFault(object, () => openTransport(object, deps, signal));
  try {
    const { endpoint, insecure, bucketName, region, timeout } = object.spec;
    const s3 = createS3Client({
      http,
      endpoint: endpointUrl(endpoint, insecure === true),
      bucket: bucketName,
      region,
      credentials: (asked, asking) => withAuthFault(object, () => credentials(asked, asking)),
    });
    const timeoutMs = parseDuration(timeout || '60s', 'spec.timeout');
    return await withDeadline(signal, timeoutMs, `the reading of bucket '${bucketName}'`, (deadline) =>
      readBucket(run, deps, s3, deadline),
    );
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof SourceFault) throw cause;
    throw operationFault(errorMessage(cause), cause);
  } finally {
    if (http !== deps.http) await http.close({ force: true });
  }
}

async function readBucket(run: Run, deps: BucketDeps, s3: S3Client, signal: AbortSignal): Promise<SourceResult> {
  const { object } = run;
  const { bucketName } = object.spec;
  await step(signal, `failed to confirm existence of '${bucketName}' bucket`, async () => {
    if (!(await s3.exists(signal))) throw operationFault(`bucket '${bucketName}' not found`);
  });
  const index = await step(signal, `indexation of objects from bucket '${bucketName}' failed`, () =>
    indexBucket(object, s3, signal),
  );
  const revision = revisionOf(index.objects);
  if (run.hasArtifact && run.status.artifact?.revision === revision) {
    removeConditions(object, 'FetchFailed');
    run.event('Trace', 'ArtifactUpToDate', `artifact up-to-date with remote revision: '${revision}'`);
    return succeed(run, revision, index.objects.length);
  }
  return fetchAndStore(run, deps, { s3, index, signal });
}

async function fetchAndStore(
  run: Run,
  deps: BucketDeps,
  { s3, index, signal }: { s3: S3Client; index: BucketIndex; signal: AbortSignal },
): Promise<SourceResult> {
  const { object, logger } = run;
  const { maxArchiveBytes: maxBytes = 4 * 1024 ** 3 } = deps;
  const { bucketName } = object.spec;
  return withSpool(deps.tempDir ?? deps.store.root, async (spool) => {
    const fetched = await step(signal, `fetch from bucket '${bucketName}' failed`, () =>
      fetchObjects(s3, index, spool, { signal, maxBytes }),
    );
    const lost = index.objects.length - fetched.objects.length;
    if (lost > 0) logger.info(`${lost} objects were removed from the bucket while it was read`, { bucketName });
    const revision = revisionOf(fetched.objects);
    if (run.status.artifact?.revision !== revision) await announceRevision(run, `new upstream revision '${revision}'`);
    removeConditions(object, 'FetchFailed');
    await storeContent(run, deps, { fetched, revision, maxBytes, signal });
    return succeed(run, revision, fetched.objects.length);
  });
}

async function storeContent(
  run: Run,
  { store }: BucketDeps,
  {
    fetched,
    revision,
    maxBytes,
    signal,
  }: { fetched: FetchedBucket; revision: string; maxBytes: number; signal: AbortSignal },
): Promise<void> {
  const { object, status } = run;
  const { namespace, name } = keyOf(object);
  const path = `bucket/${namespace}/${name}/${revision.slice('sha256:'.length)}.tar.gz`;
  const { algorithm } = store;
  status.artifact = await withStorageFault(signal, () =>
    store.write({ path, revision }, (file) =>
      writeContentArchive(file, fetched.content, { signal, algorithm, maxBytes, isFiltered: true }),
    ),
  );
  if (object.spec.ignore === undefined) delete status.observedIgnore;
  else status.observedIgnore = object.spec.ignore;
  status.url = await store.link(status.artifact, 'latest.tar.gz').catch(() => status.url);
}

function succeed(run: Run, revision: string, files: number): SourceResult {
  const { object } = run;
  removeConditions(object, 'ArtifactOutdated', 'StorageOperationFailed');
  const message = `stored artifact: revision '${revision}'`;
  setCondition(object, { type: 'ArtifactInStorage', status: 'True', reason: 'Succeeded', message });
  return { stored: `stored artifact with ${files} fetched files from '${object.spec.bucketName}' bucket` };
}

async function openTransport(
  object: Bucket,
  deps: BucketDeps,
  signal: AbortSignal,
): Promise<{ http: HttpClient; credentials: CredentialSource }> {
  const credentials = await credentialSourceOf(object, deps, signal);
  const transport = await transportOf(object, deps.client, signal);
  return { credentials, http: transport === undefined ? deps.http : deps.http.derive(transport) };
}

/** `endpoint` is a host, perhaps with a port; a scheme in it is taken as it is. */
function endpointUrl(endpoint: string, isInsecure: boolean): string {
  const url = /^https?:\/\//.test(endpoint) ? endpoint : `${isInsecure ? 'http' : 'https'}://${endpoint}`;
  if (URL.canParse(url) && new URL(url).pathname === '/') return url;
  const message = `failed to construct bucket client: '${endpoint}' is not a host of an object store`;
  throw new SourceFault('URLInvalid', message, { kind: 'stalled' });
}

async function step<T>(signal: AbortSignal, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof SourceFault) throw cause;
    if (isMillraceError(cause, 'BUCKET_NOT_FOUND')) throw operationFault(cause.message, cause);
    throw operationFault(`${what}: ${errorMessage(cause)}`, cause);
  }
}

async function withAuthFault<T>({ spec }: Bucket, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof SourceFault || !isMillraceError(cause) || cause.code === 'DEADLINE_EXCEEDED') throw cause;
    if (cause.code.startsWith('KUBE_')) throw cause;
    const isTransport = cause.code === 'TRANSPORT_OPTIONS';
    const from = spec.provider === 'aws' ? ` from ${spec.provider}` : '';
    const text = isTransport ? cause.message : `failed to get credential${from}: ${cause.message}`;
    throw new SourceFault('AuthenticationFailed', text, { cause });
  }
}

function operationFault(message: string, cause?: unknown): SourceFault {
  return new SourceFault('BucketOperationFailed', message, { cause });
}
