import type { OCIRepository } from '../../api/oci-repository.ts';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { compareBytes } from '../../base/text.ts';
import { compileTagPattern } from '../../images/tag-pattern.ts';
import { resolveDigest } from '../../oci/manifest.ts';
import { formatRepository, isDigest } from '../../oci/reference.ts';
import { listTags } from '../../oci/tags.ts';
import type { OpenRegistry } from '../image/registry-access.ts';
import { highestTags } from '../source/highest-tags.ts';
import { SourceFault } from '../source/source-fault.ts';

export interface ResolvedArtifact {
  /** `tag@sha256:…`, or the digest alone (spec/source.md §2.2). */
  revision: string;
  digest: string;
}

/** Charts hold versions with build metadata; tags cannot hold `+`. */
const helmChart = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

/**
 * What `spec.ref` names now: digest before semver before tag, `latest` without any (spec/source.md §5.3). Throws SourceFault
 * `ReadOperationFailed`, `OCIArtifactPullFailed`.
 */
export async function resolveArtifact(
  { spec }: OCIRepository,
  { registry, repository }: OpenRegistry,
  signal: AbortSignal,
): Promise<ResolvedArtifact> {
  const { ref } = spec;
  if (ref?.digest) {
    if (!isDigest(ref.digest)) {
      throw fault(
        'ReadOperationFailed',
        `failed to determine the artifact tag for '${spec.url}': '${ref.digest}' is not a digest`,
      );
    }
    return { revision: ref.digest, digest: ref.digest };
  }
  const tag = ref?.semver ? await findTag(ref.semver, spec, { registry, repository }, signal) : ref?.tag || 'latest';
  try {
    const digest = await resolveDigest(registry, repository, tag, { signal });
    return { revision: `${tag}@${digest}`, digest };
  } catch (cause) {
    signal.throwIfAborted();
    throw fault('OCIArtifactPullFailed', `failed to determine artifact digest: ${errorMessage(cause)}`, cause);
  }
}

async function findTag(
  range: string,
  spec: OCIRepository['spec'],
  { registry, repository }: Pick<OpenRegistry, 'registry' | 'repository'>,
  signal: AbortSignal,
): Promise<string> {
  try {
    const filter = spec.ref?.semverFilter;
    const pattern = filter
      ? compileTagPattern(filter, (complaint) => `failed to compile regex '${filter}': ${complaint}`)
      : undefined;
    const tags = (await listTags(registry, repository, { signal })).filter(
      (tag) => pattern === undefined || pattern.matches(tag),
    );
    const isChart = spec.layerSelector?.mediaType === helmChart;
    const versions = new Map(tags.map((tag) => [isChart ? tag.replaceAll('_', '+') : tag, tag]));
    // As elsewhere, of equal versions the one that sorts last.
    const best = highestTags(range, [...versions.keys()].sort(compareBytes)).at(-1);
    const found = best === undefined ? undefined : versions.get(best);
    if (found !== undefined) return found;
    throw new MillraceError('OCI_NOT_FOUND', `no match found for semver: ${range} in ${formatRepository(repository)}`);
  } catch (cause) {
    signal.throwIfAborted();
    throw fault(
      'ReadOperationFailed',
      `failed to determine the artifact tag for '${spec.url}': ${errorMessage(cause)}`,
      cause,
    );
  }
}

function fault(reason: string, message: string, cause?: unknown): SourceFault {
  return new SourceFault(reason, message, { cause });
}
