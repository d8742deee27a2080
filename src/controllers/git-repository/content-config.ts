import type { Artifact } from '../../api/artifact.ts';
import type { GitRepository } from '../../api/git-repository.ts';
import { deepEqual } from '../../base/json.ts';

type GitRepositoryStatus = NonNullable<GitRepository['status']>;

/**
 * Whether the artifact was made under the same settings: ignore rules, submodules, includes, sparse folders (in order),
 * and at least the verification that is asked for now (spec/source.md §4, step 4e).
 */
export function hasSameContentConfig({ spec, status }: GitRepository, included: readonly Artifact[]): boolean {
  return (
    spec.ignore === status?.observedIgnore &&
    (spec.recurseSubmodules ?? false) === (status?.observedRecurseSubmodules ?? false) &&
    deepEqual(spec.include ?? [], status?.observedInclude ?? []) &&
    deepEqual(spec.sparseCheckout ?? [], status?.observedSparseCheckout ?? []) &&
    !needsMoreVerification(spec.verify, status?.sourceVerificationMode) &&
    hasSameIncludes(included, status?.includedArtifacts ?? [])
  );
}

/** Writes down the settings that an artifact was made under. */
export function observeContentConfig({ spec }: GitRepository, status: GitRepositoryStatus, included: Artifact[]): void {
  assign(status, 'observedIgnore', spec.ignore);
  assign(status, 'observedRecurseSubmodules', spec.recurseSubmodules === true ? true : undefined);
  assign(status, 'observedInclude', spec.include?.length ? spec.include : undefined);
  assign(status, 'observedSparseCheckout', spec.sparseCheckout?.length ? spec.sparseCheckout : undefined);
  assign(status, 'includedArtifacts', included.length > 0 ? included : undefined);
}

export function hasSameIncludes(now: readonly Artifact[], before: readonly Artifact[]): boolean {
  return (
    now.length === before.length &&
    now.every(({ revision, digest }, i) => before[i]?.revision === revision && before[i]?.digest === digest)
  );
}

/** `head` is an old spelling of `HEAD`, which is also the default. */
export function verificationMode(verify: GitRepository['spec']['verify']): 'HEAD' | 'Tag' | 'TagAndHEAD' | undefined {
  if (verify === undefined) return undefined;
  return verify.mode === 'Tag' || verify.mode === 'TagAndHEAD' ? verify.mode : 'HEAD';
}

function needsMoreVerification(verify: GitRepository['spec']['verify'], verified: string | undefined): boolean {
  const mode = verificationMode(verify);
  return mode !== undefined && verified !== 'TagAndHEAD' && mode !== verified;
}

function assign<K extends keyof GitRepositoryStatus>(
  status: GitRepositoryStatus,
  key: K,
  value: GitRepositoryStatus[K] | undefined,
): void {
  if (value === undefined) delete status[key];
  else status[key] = value;
}
