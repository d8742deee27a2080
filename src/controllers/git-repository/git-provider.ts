import type { GitRepository } from '../../api/git-repository.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import type { GitAuth, RemoteUrl } from '../../git/remote.ts';
import type { SecretData } from '../source/secret-data.ts';
import { SourceFault } from '../source/source-fault.ts';

/** Ways to credentials that are exchanged for, not kept. Each throws MillraceErrors; what is left out is not available. */
export interface GitProviders {
  /** A GitHub App's installation token (`provider: github`). */
  githubApp?(secret: SecretData, url: RemoteUrl, signal: AbortSignal): Promise<GitAuth>;
  /** AWS CodeCommit by the identity of the controller, or of a ServiceAccount (`provider: aws`). */
  codeCommit?(url: RemoteUrl, serviceAccount: ObjectKey | undefined, signal: AbortSignal): Promise<GitAuth>;
  /** Whether objects may name a ServiceAccount (feature gate `ObjectLevelWorkloadIdentity`). */
  objectLevelIdentity?: boolean;
}

/** Stops at once what a provider cannot do, before anything is asked of the network (spec/source.md §2.10, §3.4). */
export function checkProvider({ spec }: GitRepository, providers: GitProviders): void {
  const { provider = 'generic', serviceAccountName } = spec;
  if (provider !== 'generic' && serviceAccountName !== undefined && providers.objectLevelIdentity !== true) {
    throw stalled(
      'FeatureGateDisabled',
      'to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller',
    );
  }
  if (provider === 'github' && spec.secretRef === undefined) {
    throw stalled(
      'InvalidProviderConfiguration',
      'secretRef with github app data must be specified when provider is set to github',
    );
  }
  const isServed = { generic: true, github: providers.githubApp, aws: providers.codeCommit, azure: false }[provider];
  if (!isServed)
    throw stalled('InvalidProviderConfiguration', `provider '${provider}' is not supported by this controller`);
}

/** GitHub App data under another provider would be ignored silently. */
export function checkGithubData({ spec, metadata }: GitRepository, secret: SecretData | undefined): void {
  const hasAppData = secret?.has('githubAppID') === true;
  const where = `${metadata.namespace ?? ''}/${spec.secretRef?.name ?? ''}`;
  if (hasAppData && spec.provider !== 'github') {
    throw stalled(
      'InvalidProviderConfiguration',
      `secretRef '${where}' has github app data but provider is not set to github`,
    );
  }
  if (!hasAppData && spec.provider === 'github') {
    throw stalled(
      'InvalidProviderConfiguration',
      `secretRef with github app data must be specified when provider is set to github`,
    );
  }
}

function stalled(reason: string, message: string): SourceFault {
  return new SourceFault(reason, message, { kind: 'stalled' });
}
