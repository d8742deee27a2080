import type { ImagePolicy, ImageRef } from '../../api/image-policy.ts';
import type { ImageRepository } from '../../api/image-repository.ts';
import { withDeadline } from '../../base/deadline.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import { deepEqual } from '../../base/json.ts';
import { keyOf, type ObjectKey } from '../../base/kube-object.ts';
import { parseRanking, selectTag } from '../../images/select-tag.ts';
import { formatImageRef } from '../../images/setter-marker.ts';
import { resolveDigest } from '../../oci/manifest.ts';
import { formatReference, formatRepository, parseImageName } from '../../oci/reference.ts';
import { Fault } from '../image/fault.ts';
import type { ImageResult, ImageRun } from '../image/run.ts';
import { getRepository } from './access.ts';
import type { ImagePolicyDeps } from './deps.ts';
import { guardAgainstDowngrade } from './no-downgrade.ts';

type Run = ImageRun<ImagePolicy>;

/** The ImageRepository that a policy refers to. */
export function repositoryKey({ spec, metadata }: ImagePolicy): ObjectKey {
  const { name, namespace } = spec.imageRepositoryRef;
  return { namespace: namespace || (metadata.namespace ?? ''), name };
}

/** The work of one ImagePolicy (spec/image.md §4.4 steps 2 to 10). */
export async function resolvePolicy(run: Run, deps: ImagePolicyDeps): Promise<ImageResult> {
  const { object, signal } = run;
  const { spec } = object;
  if (spec.digestReflectionPolicy === 'Always' && spec.interval === undefined) {
    const message = "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'";
    throw new Fault('IntervalNotConfigured', message, { stalled: true });
  }
  const repository = await getRepository(object, repositoryKey(object), { ...deps, signal });
  const canonicalName = checkRepository(repository, deps);
  checkPolicy(object);
  const tags = await readTags(repository, canonicalName, deps);
  const tag = select(object, tags);
  guardAgainstDowngrade(object, repository, tag);
  const digest = await reflectedDigest(run, repository, tag, deps);
  const latest: ImageRef = { name: repository.spec.image, tag, ...(digest !== undefined && { digest }) };
  recordLatest(object, latest);
  return {
    ready: readyMessage(object, latest),
    ...(spec.digestReflectionPolicy === 'Always' && {
      requeueAfterMs: parseDuration(spec.interval ?? '', 'spec.interval'),
    }),
  };
}

function checkRepository({ spec }: ImageRepository, deps: ImagePolicyDeps): string {
  let canonicalName: string;
  try {
    canonicalName = formatRepository(parseImageName(spec.image));
  } catch (cause) {
    throw new Fault('ImageURLInvalid', errorMessage(cause), { stalled: true, cause });
  }
  if (spec.provider !== 'generic' && spec.serviceAccountName && !deps.objectLevelWorkloadIdentity) {
    const message =
      'to use spec.serviceAccountName in the ImageRepository for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller';
    throw new Fault('FeatureGateDisabled', message, { stalled: true });
  }
  return canonicalName;
}

/** A policy that can never choose anything is told so before its tags are looked at. */
function checkPolicy({ spec }: ImagePolicy): void {
  asInvalidPolicy(() => parseRanking(spec.policy));
}

function select({ spec }: ImagePolicy, tags: readonly string[]): string {
  try {
    return asInvalidPolicy(() => selectTag(spec, tags));
  } catch (cause) {
    if (!isMillraceError(cause, 'IMAGE_NO_TAG')) throw cause;
    throw new Fault('Failure', errorMessage(cause), { cause });
  }
}

function asInvalidPolicy<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!isMillraceError(cause, 'IMAGE_POLICY_INVALID')) throw cause;
    throw new Fault('InvalidPolicy', errorMessage(cause), { stalled: true, cause });
  }
}

/** The stored tags. None yet: the scan that brings them wakes the policy (controller.ts), the delay is a safety net. */
async function readTags(
  repository: ImageRepository,
  canonicalName: string,
  { tags, requeueDependencyMs = 30_000 }: ImagePolicyDeps,
): Promise<string[]> {
  const stored = await tags.read(keyOf(repository)).catch((cause: unknown) => {
    throw new Fault('Failure', `failed to read tags: ${errorMessage(cause)}`, { cause });
  });
  // Tags of the image that the repository had before are not this image's.
  if (stored !== undefined && stored.image === canonicalName && stored.tags.length > 0) return stored.tags;
  const message = `retrying in ${formatDuration(requeueDependencyMs)} error: no tags in database`;
  throw new Fault('DependencyNotReady', message, { requeueAfterMs: requeueDependencyMs });
}

/** Digest reflection (spec/image.md §4.5). */
async function reflectedDigest(
  { object, signal }: Run,
  repository: ImageRepository,
  tag: string,
  { registries }: ImagePolicyDeps,
): Promise<string | undefined> {
  const latest = object.status?.latestRef;
  const mode = object.spec.digestReflectionPolicy;
  if (mode === 'Never' || mode === undefined) return undefined;
  const isSame = latest !== undefined && latest.name === repository.spec.image && latest.tag === tag;
  if (mode === 'IfNotPresent' && isSame && latest.digest) return latest.digest;
  const { timeout, interval } = repository.spec;
  const timeoutMs = Math.max(1000, parseDuration(timeout ?? interval));
  const name = formatReference(parseImageName(repository.spec.image), tag);
  try {
    return await withDeadline(signal, timeoutMs, `reading the digest of ${name}`, async (deadline) => {
      const access = await registries.open(repository, deadline);
      try {
        return await resolveDigest(access.registry, access.repository, tag, { signal: deadline });
      } finally {
        await access.close();
      }
    });
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause;
    const message = `failed fetching digest of ${repository.spec.image}:${tag}: failed fetching descriptor for "${name}": ${errorMessage(cause)}`;
    throw new Fault('Failed', message, { cause });
  }
}

/** `observedPreviousRef` moves only when the choice does (spec/image.md §4.6). */
function recordLatest(object: ImagePolicy, latest: ImageRef): void {
  const before = object.status?.latestRef;
  if (deepEqual(before, latest)) return;
  object.status = { ...object.status, latestRef: latest, ...(before !== undefined && { observedPreviousRef: before }) };
}

function readyMessage({ status }: ImagePolicy, { name, tag, digest }: ImageRef): string {
  const previous = status?.observedPreviousRef;
  const withDigest = digest === undefined ? '' : ` with digest ${digest}`;
  const suffix =
    previous === undefined || deepEqual(previous, status?.latestRef)
      ? ''
      : ` (previously ${formatImageRef({ image: previous.name, ...previous })})`;
  return `Latest image tag for ${name} resolved to ${tag}${withDigest}${suffix}`;
}
