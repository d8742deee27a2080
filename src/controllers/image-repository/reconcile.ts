import type { ImagePolicy } from '../../api/image-policy.ts';
import { ImagePolicy as ImagePolicyKind } from '../../api/image-policy.ts';
import type { ImageRepository } from '../../api/image-repository.ts';
import { kindRef } from '../../api/kind.ts';
import { formatIdentity } from '../../aws/identity.ts';
import { formatTime } from '../../base/clock.ts';
import { withDeadline } from '../../base/deadline.ts';
import { sha256Hex } from '../../base/digest.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import { formatKey, keyOf, type ObjectKey } from '../../base/kube-object.ts';
import { sortTags } from '../../images/sort-tags.ts';
import { compileTagPattern } from '../../images/tag-pattern.ts';
import { formatRepository, parseImageName } from '../../oci/reference.ts';
import { listTags } from '../../oci/tags.ts';
import { getCondition, removeConditions, setCondition } from '../../runtime/conditions.ts';
import { Fault } from '../image/fault.ts';
import { authenticationMessage, type OpenRegistry } from '../image/registry-access.ts';
import type { ImageResult, ImageRun } from '../image/run.ts';
import type { StoredTags } from '../image/tag-store.ts';
import type { ImageRepositoryDeps } from './deps.ts';
import { decideScan, effectiveExclusions } from './scan-reason.ts';
import { createSuspicions, scansToBelieve, whySuspect } from './suspicion.ts';

type Run = ImageRun<ImageRepository>;

/** How soon a suspect listing is looked at again, in milliseconds; the interval where that is shorter. */
const suspectRescanMs = 60_000;
/** Part of that time which has to lie between two scans that both count. */
const leastApart = 0.9;
const leastTimeoutMs = 1000;

export interface Scanner {
  work(run: Run): Promise<ImageResult>;
  forget(key: ObjectKey): Promise<void>;
}

/** The work of one ImageRepository (spec/image.md §2.3 steps 2 to 10). */
export function createScanner(deps: ImageRepositoryDeps): Scanner {
  const suspicions = createSuspicions();

  const work = async (run: Run): Promise<ImageResult> => {
    const { object } = run;
    const { spec } = object;
    if (spec.provider !== 'generic' && spec.serviceAccountName && !deps.objectLevelWorkloadIdentity) {
      throw new Fault('FeatureGateDisabled', gateMessage, { stalled: true });
    }
    const canonicalName = parseCanonicalName(spec.image);
    const intervalMs = parseDuration(spec.interval, 'spec.interval');
    const timeoutMs = Math.max(leastTimeoutMs, spec.timeout === undefined ? intervalMs : parseDuration(spec.timeout));
    return withDeadline(run.signal, timeoutMs, `the scan of ${spec.image}`, async (signal) => {
      const access = await openRegistry(object, signal);
      try {
        return await scanWhenDue(run, access, { canonicalName, intervalMs, signal });
      } finally {
        await access.close();
      }
    }).catch((error: unknown) => {
      if (error instanceof Fault || !isMillraceError(error)) throw error;
      throw new Fault('ReadOperationFailed', `scan failed: ${errorMessage(error)}`, { cause: error });
    });
  };

  const openRegistry = async (object: ImageRepository, signal: AbortSignal): Promise<OpenRegistry> => {
    try {
      return await deps.registries.open(object, signal);
    } catch (error) {
      if (!isMillraceError(error) || isMillraceError(error, 'DEADLINE_EXCEEDED')) throw error;
      throw new Fault('AuthenticationFailed', authenticationMessage(error), { cause: error });
    }
  };

  const scanWhenDue = async (run: Run, access: OpenRegistry, plan: ScanPlan): Promise<ImageResult> => {
    const { object, key, clock } = run;
    const exclusionList = effectiveExclusions(object);
    const stored = await readStored(key, plan.canonicalName).catch((cause: unknown) => {
      throw new Fault('Failure', `failed to determine if it's scan time: ${errorMessage(cause)}`, { cause });
    });
    const hasTags = stored !== undefined && stored.tags.length > 0;
    const isSuspect = getCondition(object, suspectCondition) !== undefined;
    const decision = decideScan(object, { ...plan, exclusionList, hasTags, isSuspect, now: clock.now() });
    if (decision.due) {
      run.progress(`scanning: ${decision.reason}`, { drift: decision.reason === 'no tags in database' });
      await run.patch();
      await scan(run, access, { ...plan, exclusionList, stored });
    }
    Object.assign(run.status, { canonicalImageName: plan.canonicalName, observedExclusionList: exclusionList });
    const inMs = decision.due ? plan.intervalMs : decision.inMs;
    const { tagCount = 0, revision = '' } = run.status.lastScanResult ?? {};
    return {
      ready: `successful scan: found ${tagCount} tags with checksum ${revision}`,
      requeueAfterMs: inMs,
      trace: `${traceText(decision.due, stored)}, next scan in ${formatDuration(Math.round(inMs / 1000) * 1000)}`,
    };
  };

  const scan = async (
    run: Run,
    access: OpenRegistry,
    plan: ScanPlan & { exclusionList: string[]; stored: StoredTags | undefined },
  ) => {
    const { key, clock, object } = run;
    const excluded = compileExclusions(plan.exclusionList);
    let listed: string[];
    try {
      listed = await listTags(access.registry, access.repository, { signal: plan.signal });
    } finally {
      showIdentity(run, access);
    }
    const tags = sortTags(listed.filter((tag) => !excluded(tag)));
    const revision = `sha256:${sha256Hex(tags.map((tag) => `${tag}\n`).join(''))}`;
    await believe(run, { tags, revision, stored: plan.stored, signal: plan.signal, intervalMs: plan.intervalMs });
    const image = plan.canonicalName;
    if (plan.stored?.revision !== revision) {
      await deps.tags.write(key, { image, revision, tags }).catch((cause: unknown) => {
        throw new Fault('ReadOperationFailed', `scan failed: failed to store tags: ${errorMessage(cause)}`, { cause });
      });
    }
    const latestTags = tags.slice(0, 10);
    object.status = {
      ...object.status,
      lastScanResult: {
        revision,
        tagCount: tags.length,
        scanTime: formatTime(clock.now()),
        ...(latestTags.length > 0 && { latestTags }),
      },
    };
    const identity = access.identity();
    run.logger.info(`successful scan: found ${tags.length} tags with checksum ${revision}`, {
      image,
      ...(identity !== undefined && { identity: identity.arn, identityProvider: identity.provider }),
    });
  };

  /** Throws a Fault while a listing is rather a mistake than the truth; nothing of it is kept then. */
  const believe = async (run: Run, listing: Listing): Promise<void> => {
    const { object, key } = run;
    const sameImage = object.status?.canonicalImageName === parseCanonicalName(object.spec.image);
    const knownCount = listing.stored?.tags.length ?? (sameImage ? object.status?.lastScanResult?.tagCount : undefined);
    const inUse = sameImage && lostTags(listing) ? await tagsInUse(object, listing.signal) : new Map<string, string>();
    const why = whySuspect({ knownCount, tags: listing.tags, inUse });
    if (why === undefined) {
      suspicions.clear(formatKey(key));
      removeConditions(object, suspectCondition);
      return;
    }
    const againMs = Math.min(suspectRescanMs, listing.intervalMs);
    const now = run.clock.now();
    const time = { now, apartMs: againMs * leastApart };
    const { scans, at } = suspicions.sighted(formatKey(key), listing.revision, time);
    if (scans >= scansToBelieve) {
      run.logger.warn(`a suspect listing is believed now: ${why}`);
      removeConditions(object, suspectCondition);
      return;
    }
    const believedAt = formatTime(at + (scansToBelieve - scans) * againMs);
    const message = `${why}; not believed until ${scansToBelieve} scans in a row agree, ${formatDuration(againMs)} apart (${scans} so far), at ${believedAt} at the earliest`;
    setCondition(object, { type: suspectCondition, status: 'True', reason: 'SuspectScan', message }, run.clock);
    throw new Fault('SuspectScan', `scan not believed: ${message}`, {
      requeueAfterMs: Math.max(1000, at + againMs - now),
    });
  };

  const readStored = async (key: ObjectKey, canonicalName: string): Promise<StoredTags | undefined> => {
    const stored = await deps.tags.read(key);
    return stored?.image === canonicalName ? stored : undefined;
  };

  /** The tags that policies of this repository have chosen. */
  const tagsInUse = async (object: ImageRepository, signal: AbortSignal): Promise<Map<string, string>> => {
    const { namespace = '', name } = object.metadata;
    // Policies of other namespaces can only refer to it when it says so.
    const scope = object.spec.accessFrom === undefined ? { namespace } : {};
    const { items } = await deps.client.list<ImagePolicy>(kindRef(ImagePolicyKind), { ...scope, signal });
    const inUse = new Map<string, string>();
    for (const policy of items) {
      const ref = policy.spec.imageRepositoryRef;
      const isOurs = ref.name === name && (ref.namespace || policy.metadata.namespace) === namespace;
      const latest = policy.status?.latestRef;
      if (isOurs && latest !== undefined && latest.name === object.spec.image)
        inUse.set(formatKey(keyOf(policy)), latest.tag);
    }
    return inUse;
  };

  return {
    work,
    async forget(key) {
      suspicions.clear(formatKey(key));
      await deps.tags.remove(key);
    },
  };
}

interface ScanPlan {
  canonicalName: string;
  intervalMs: number;
  signal: AbortSignal;
}

interface Listing {
  tags: string[];
  revision: string;
  stored: StoredTags | undefined;
  signal: AbortSignal;
  intervalMs: number;
}

const suspectCondition = 'ScanSuspect';

const gateMessage =
  'to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller';

function parseCanonicalName(image: string): string {
  try {
    return formatRepository(parseImageName(image));
  } catch (error) {
    throw new Fault('ImageURLInvalid', errorMessage(error), { stalled: true, cause: error });
  }
}

function compileExclusions(patterns: readonly string[]): (tag: string) => boolean {
  const compiled = patterns.map((source) =>
    compileTagPattern(source, (complaint) => `failed to compile regex ${source}: ${complaint}`),
  );
  return (tag) => compiled.some((pattern) => pattern.matches(tag));
}

/** Only then can a tag in use be missing; when nothing is stored, nobody knows. */
function lostTags({ stored, tags }: Listing): boolean {
  if (stored === undefined) return true;
  const listed = new Set(tags);
  return stored.tags.some((tag) => !listed.has(tag));
}

/** Who the registry was asked as: a condition, since every tool shows those. */
function showIdentity({ object, clock }: Run, access: OpenRegistry): void {
  const identity = access.identity();
  if (identity === undefined) return;
  const reason = identity.provider.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  setCondition(object, { type: 'Identity', status: 'True', reason, message: formatIdentity(identity) }, clock);
}

function traceText(scanned: boolean, stored: StoredTags | undefined): string {
  if (!scanned) return 'no change in repository configuration since last scan';
  return stored === undefined ? 'successful scan' : 'tags did not change';
}
