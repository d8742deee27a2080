import type { OCIRepository } from '../../api/oci-repository.ts';
import { withDeadline } from '../../base/deadline.ts';
import { parseDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import { deepEqual } from '../../base/json.ts';
import { keyOf } from '../../base/kube-object.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { parseArtifactUrl, type Repository } from '../../oci/reference.ts';
import { hasStatus, removeConditions, setCondition } from '../../runtime/conditions.ts';
import type { SummaryRules } from '../../runtime/summary.ts';
import type { OpenRegistry, RegistryAccess } from '../image/registry-access.ts';
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
import { copyLayer, extractLayer, pullManifest, selectLayer } from './oci-layer.ts';
import { type ResolvedArtifact, resolveArtifact } from './oci-revision.ts';
import { needsVerification, verifyArtifact } from './oci-verify.ts';

export interface OciRepositoryDeps extends SourceDeps {
  registries: Pick<RegistryAccess, 'openArtifact'>;
  /** Folder for what is unpacked on the way; default the store's. */
  tempDir?: string;
  objectLevelWorkloadIdentity?: boolean;
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
  'SourceVerified',
  'Stalled',
  'Reconciling',
];

const rules: SummaryRules = {
  order,
  abnormalTrue: order.filter((type) => type !== 'ArtifactInStorage' && type !== 'SourceVerified'),
  overriding: ['SourceVerified'],
};

export function ociRepositoryKind(deps: OciRepositoryDeps): SourceKind<OCIRepository> {
  return { kind: 'OCIRepository', rules, work: (run) => reconcileOciRepository(run, deps) };
}

type Run = SourceRun<OCIRepository>;

/** spec/source.md §5.3. */
async function reconcileOciRepository(run: Run, deps: OciRepositoryDeps): Promise<SourceResult> {
  const { object, signal } = run;
  if (object.spec.verify === undefined || hasStatus(object, 'SourceVerified', 'False')) {
    removeConditions(object, 'SourceVerified');
  }
  checkIdentity(object, deps);
  const repository = parseUrl(object.spec.url);
  const timeoutMs = parseDuration(object.spec.timeout || '60s', 'spec.timeout');
  const open = await withAuthFault(object, () => deps.registries.openArtifact(object, repository, signal));
  try {
    return await withDeadline(signal, timeoutMs, `the pull of ${object.spec.url}`, (deadline) =>
      fetchArtifact(run, deps, { open, signal: deadline }),
    );
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof SourceFault) throw cause;
    throw new SourceFault('OCIArtifactPullFailed', pullFailure(object, cause), { cause });
  } finally {
    await open.close();
  }
}

async function fetchArtifact(
  run: Run,
  deps: OciRepositoryDeps,
  { open, signal }: { open: OpenRegistry; signal: AbortSignal },
): Promise<SourceResult> {
  const { object } = run;
  const resolved = await resolveArtifact(object, open, signal);
  if (needsVerification(object, resolved)) {
    await verifyArtifact(object, open, resolved, { client: deps.client, signal });
    const message = `verified signature of revision ${resolved.revision}`;
    setCondition(object, { type: 'SourceVerified', status: 'True', reason: 'Succeeded', message });
  }
  if (isCurrent(run, resolved)) {
    removeConditions(object, 'FetchFailed');
    run.event('Trace', 'ArtifactUpToDate', `artifact up-to-date with remote revision: '${resolved.revision}'`);
    return succeed(run, resolved, undefined);
  }
  if (run.status.artifact?.revision !== resolved.revision) {
    await announceRevision(run, `new revision '${resolved.revision}' for '${object.spec.url}'`);
  }
  const manifest = await pullManifest(open, resolved.digest, signal);
  const skipped = await storeLayer(run, deps, { open, manifest, resolved, signal });
  removeConditions(object, 'FetchFailed');
  const leftOut =
    skipped > 0 ? `left out ${skipped} entries of the layer that are neither files nor folders` : undefined;
  return { ...succeed(run, resolved, manifest), leftOut };
}

function isCurrent({ object, hasArtifact, status }: Run, { revision }: ResolvedArtifact): boolean {
  return (
    hasArtifact &&
    status.artifact?.revision === revision &&
    object.spec.ignore === status.observedIgnore &&
    deepEqual(object.spec.layerSelector, status.observedLayerSelector)
  );
}

interface Pulled {
  open: OpenRegistry;
  manifest: Manifest;
  resolved: ResolvedArtifact;
  signal: AbortSignal;
}

/** Returns how many entries of the layer have no place in an artifact. */
async function storeLayer(run: Run, deps: OciRepositoryDeps, pulled: Pulled): Promise<number> {
  const { object } = run;
  const { store } = deps;
  const { open, manifest, resolved, signal } = pulled;
  const layer = selectLayer(object, manifest);
  const { namespace, name } = keyOf(object);
  const target = {
    path: `ocirepository/${namespace}/${name}/${resolved.digest}.tar.gz`,
    revision: resolved.revision,
    ...(Object.keys(manifest.annotations).length === 0 ? {} : { metadata: manifest.annotations }),
  };
  const { algorithm } = store;
  let skipped = 0;
  if (object.spec.layerSelector?.operation === 'copy') {
    run.status.artifact = await store.write(target, (file) => copyLayer(open, layer, { file, algorithm, signal }));
  } else {
    run.status.artifact = await withSpool(deps.tempDir ?? store.root, async (spool) => {
      const maxBytes = deps.maxArchiveBytes ?? 4 * 1024 ** 3;
      const content = await extractLayer(open, layer, spool, { signal, maxBytes });
      skipped = content.skipped;
      const { ignore } = object.spec;
      return withStorageFault(signal, () =>
        store.write(target, (file) =>
          writeContentArchive(file, content.entries, { signal, algorithm, maxBytes, ignore }),
        ),
      );
    });
  }
  observe(run);
  run.status.url = await store.link(run.status.artifact, 'latest.tar.gz').catch(() => run.status.url);
  return skipped;
}

function observe({ object, status }: Run): void {
  const { ignore, layerSelector } = object.spec;
  if (ignore === undefined) delete status.observedIgnore;
  else status.observedIgnore = ignore;
  if (layerSelector === undefined) delete status.observedLayerSelector;
  else status.observedLayerSelector = layerSelector;
}

function succeed(run: Run, { revision }: ResolvedArtifact, manifest: Manifest | undefined): SourceResult {
  const { object } = run;
  const message = `stored artifact for digest '${revision}'`;
  removeConditions(object, 'ArtifactOutdated', 'StorageOperationFailed');
  setCondition(object, { type: 'ArtifactInStorage', status: 'True', reason: 'Succeeded', message });
  const annotations = manifest?.annotations ?? {};
  const source = annotations['org.opencontainers.image.source'];
  const origin = annotations['org.opencontainers.image.revision'];
  const from =
    source === undefined || origin === undefined ? '' : `, origin source '${source}', origin revision '${origin}'`;
  return { stored: `stored artifact with revision '${revision}' from '${object.spec.url}'${from}` };
}

function checkIdentity({ spec }: OCIRepository, deps: OciRepositoryDeps): void {
  if (spec.provider === 'generic' || spec.serviceAccountName === undefined) return;
  if (deps.objectLevelWorkloadIdentity === true) return;
  throw new SourceFault(
    'FeatureGateDisabled',
    'to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller',
    { kind: 'stalled' },
  );
}

function parseUrl(url: string): Repository {
  try {
    return parseArtifactUrl(url);
  } catch (cause) {
    throw new SourceFault('URLInvalid', `URL validation failed for '${url}': ${errorMessage(cause)}`, {
      kind: 'stalled',
      cause,
    });
  }
}

async function withAuthFault<T>({ spec }: OCIRepository, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isMillraceError(cause, 'TRANSPORT_OPTIONS')) {
      const text = `failed to generate transport for '${spec.url}': ${errorMessage(cause)}`;
      throw new SourceFault('AuthenticationFailed', text, { cause });
    }
    const from = spec.provider === 'generic' || spec.secretRef !== undefined ? '' : ` from ${spec.provider}`;
    throw new SourceFault('AuthenticationFailed', `failed to get credential${from}: ${errorMessage(cause)}`, { cause });
  }
}

function pullFailure({ spec }: OCIRepository, cause: unknown): string {
  return `failed to pull artifact from '${spec.url}': ${errorMessage(cause)}`;
}
