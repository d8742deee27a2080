import { type GitReference, GitRepository } from '../../api/git-repository.ts';
import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { kindRef } from '../../api/kind.ts';
import { parseDuration } from '../../base/duration.ts';
import { errorMessage } from '../../base/error.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import type { GitRemote } from '../../git/remote.ts';
import type { SigningKey } from '../../git/signature/sign.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { GitProviders } from '../git-repository/git-provider.ts';
import { loadRemote } from '../git-repository/load-remote.ts';
import { Fault } from '../image/fault.ts';
import { SourceFault } from '../source/source-fault.ts';
import { loadSigningKey } from './signing-key.ts';

type GitSpec = NonNullable<ImageUpdateAutomation['spec']['git']>;

/** Where an automation reads and where it pushes to, with everything that takes. */
export interface SourcePlan {
  repository: GitRepository;
  remote: GitRemote;
  git: GitSpec;
  /** The effective checkout reference. */
  ref: GitReference;
  pushBranch: string;
  /** Whether the push branch is another than the one checked out. */
  switchesBranch: boolean;
  refspec: string | undefined;
  pushOptions: string[];
  signingKey: SigningKey | undefined;
  /** For each of clone and push, in milliseconds. */
  timeoutMs: number;
}

export interface SourceOptions {
  client: KubeClient;
  providers?: GitProviders;
  noCrossNamespaceRefs: boolean;
  objectLevelWorkloadIdentity: boolean;
  signal: AbortSignal;
}

/** The GitRepository that an automation refers to. */
export function sourceKey({ spec, metadata }: ImageUpdateAutomation): ObjectKey {
  return { namespace: spec.sourceRef.namespace || (metadata.namespace ?? ''), name: spec.sourceRef.name };
}

/** Reads the source of an automation (spec/image.md §6.4 step 5). Throws Fault. */
export async function planSource(automation: ImageUpdateAutomation, options: SourceOptions): Promise<SourcePlan> {
  const { kind } = automation.spec.sourceRef;
  if (kind !== 'GitRepository')
    throw invalidSource(`source kind '${kind}' not supported: invalid source configuration`);
  const { git } = automation.spec;
  if (git === undefined) {
    throw invalidSource("source kind 'GitRepository' necessitates field .spec.git: invalid source configuration");
  }
  const key = sourceKey(automation);
  if (options.noCrossNamespaceRefs && key.namespace !== automation.metadata.namespace) {
    const message = `can't access 'GitRepository/${key.namespace}/${key.name}', cross-namespace references have been blocked`;
    throw new Fault('AccessDenied', message, { stalled: true });
  }
  try {
    return await configure(automation, git, key, options);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    if (cause instanceof SourceFault && cause.kind === 'stalled') throw stalledAsSource(cause);
    throw new Fault('SourceManagerFailed', `failed configuring source manager: ${errorMessage(cause)}`, { cause });
  }
}

async function configure(
  automation: ImageUpdateAutomation,
  git: GitSpec,
  key: ObjectKey,
  { client, providers, objectLevelWorkloadIdentity, signal }: SourceOptions,
): Promise<SourcePlan> {
  const repository = await client.get<GitRepository>({ ...kindRef(GitRepository), ...key }, { signal });
  if (repository === undefined) {
    throw new Error(
      `referenced git repository does not exist: gitrepositories.source.toolkit.fluxcd.io "${key.name}" not found`,
    );
  }
  if (repository.spec.serviceAccountName && !objectLevelWorkloadIdentity) {
    const message =
      'to use spec.serviceAccountName in the GitRepository for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller';
    throw new Fault('FeatureGateDisabled', message, { stalled: true });
  }
  const ref: GitReference = git.checkout?.ref ?? repository.spec.ref ?? { branch: 'master' };
  const pushBranch = git.push?.branch || ref.branch;
  if (!pushBranch) {
    throw new Error(
      'push spec not provided, and cannot be inferred from .spec.git.checkout.ref or GitRepository .spec.ref',
    );
  }
  const pushOptions = Object.entries(git.push?.options ?? {}).map(([name, value]) => `${name}=${value}`);
  return {
    repository,
    remote: await loadRemote(repository, { client, ...(providers !== undefined && { providers }) }, signal),
    git,
    ref,
    pushBranch,
    switchesBranch: git.push?.branch !== undefined && git.push.branch !== '' && git.push.branch !== branchOf(ref),
    refspec: git.push?.refspec || undefined,
    pushOptions,
    signingKey: await loadSigningKey(automation, client, signal),
    timeoutMs: parseDuration(repository.spec.timeout ?? '60s', 'GitRepository spec.timeout'),
  };
}

/** A reference by commit, name or tag is on no branch, so that a push branch always differs. */
function branchOf({ branch, commit, name, tag, semver }: GitReference): string {
  return commit || name || tag || semver ? '' : (branch ?? 'master');
}

function invalidSource(message: string): Fault {
  return new Fault('InvalidSourceConfiguration', message, { stalled: true });
}

/** What stalls the GitRepository itself (its provider, its URL) stalls the automation as well. */
function stalledAsSource({ reason, message, cause }: SourceFault): Fault {
  const own = reason === 'FeatureGateDisabled' ? reason : 'InvalidSourceConfiguration';
  return new Fault(own, message, { stalled: true, cause });
}
