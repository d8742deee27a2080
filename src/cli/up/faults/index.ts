import { apiVersionMismatch } from './api-version-mismatch.ts';
import { automationScopeMismatch } from './automation-scope-mismatch.ts';
import { blockedByControllerFlag } from './blocked-by-controller-flag.ts';
import { codecommitMisconfigured } from './codecommit-misconfigured.ts';
import { crdMissing } from './crd-missing.ts';
import { dependencyNotReady } from './dependency-not-ready.ts';
import { ecrActionMissing } from './ecr-action-missing.ts';
import { ecrEndpointUnreachable } from './ecr-endpoint-unreachable.ts';
import { ecrGetAuthorizationTokenDenied } from './ecr-get-authorization-token-denied.ts';
import { ecrRegistryMismatch } from './ecr-registry-mismatch.ts';
import { ecrRepositoryArnMismatch } from './ecr-repository-arn-mismatch.ts';
import { ecrTokenExpired } from './ecr-token-expired.ts';
import { egressBlocked } from './egress-blocked.ts';
import type { PracticeFault } from './fault.ts';
import { gitAccessDenied } from './git-access-denied.ts';
import { gitAuthAppPasswordRemoved } from './git-auth-app-password-removed.ts';
import { gitBranchNotFound } from './git-branch-not-found.ts';
import { gitBranchProtected } from './git-branch-protected.ts';
import { gitCredentialsInvalid } from './git-credentials-invalid.ts';
import { gitKnownHostsMissing } from './git-known-hosts-missing.ts';
import { healthCheckTimeout } from './health-check-timeout.ts';
import { imageProviderNotAws } from './image-provider-not-aws.ts';
import { imageSpecInvalid } from './image-spec-invalid.ts';
import { imageTagNotFound } from './image-tag-not-found.ts';
import { imdsHopLimit } from './imds-hop-limit.ts';
import { immutableField } from './immutable-field.ts';
import { irsaAnnotationMissing } from './irsa-annotation-missing.ts';
import { irsaRoleArnInvalid } from './irsa-role-arn-invalid.ts';
import { kustomizeBuildInvalid } from './kustomize-build-invalid.ts';
import { kustomizePathMissing } from './kustomize-path-missing.ts';
import { kustomizeResourceMissing } from './kustomize-resource-missing.ts';
import { markerMissing } from './marker-missing.ts';
import { namespaceMissing } from './namespace-missing.ts';
import { noTags } from './no-tags.ts';
import { nodeImagePullDenied } from './node-image-pull-denied.ts';
import { nothingBroken } from './none.ts';
import { oidcProviderMissing } from './oidc-provider-missing.ts';
import { podIdentityAgentUnavailable } from './pod-identity-agent-unavailable.ts';
import { podIdentityTrustPolicy } from './pod-identity-trust-policy.ts';
import { podNotRestartedAfterAnnotation } from './pod-not-restarted-after-annotation.ts';
import { postbuildVariableMissing } from './postbuild-variable-missing.ts';
import { quotaExceeded } from './quota-exceeded.ts';
import { rateLimited } from './rate-limited.ts';
import { rbacForbidden } from './rbac-forbidden.ts';
import { secretInvalid } from './secret-invalid.ts';
import { semverNoMatch } from './semver-no-match.ts';
import { sopsDecryptionFailed } from './sops-decryption-failed.ts';
import { sourceNotReady } from './source-not-ready.ts';
import { stsEndpointUnreachable } from './sts-endpoint-unreachable.ts';
import { tagFilterNoMatch } from './tag-filter-no-match.ts';
import { tlsCaUntrusted } from './tls-ca-untrusted.ts';
import { tokenFileUnreadable } from './token-file-unreadable.ts';
import { trustPolicyAudMismatch } from './trust-policy-aud-mismatch.ts';
import { trustPolicyProviderMismatch } from './trust-policy-provider-mismatch.ts';
import { trustPolicySubMismatch } from './trust-policy-sub-mismatch.ts';
import { webhookUnavailable } from './webhook-unavailable.ts';

/** Every fault to practise on, along the chain of a delivery; `none` is the one that is no fault. */
export const practiceFaults: readonly PracticeFault[] = [
  irsaAnnotationMissing,
  podNotRestartedAfterAnnotation,
  irsaRoleArnInvalid,
  tokenFileUnreadable,
  oidcProviderMissing,
  trustPolicySubMismatch,
  trustPolicyAudMismatch,
  trustPolicyProviderMismatch,
  stsEndpointUnreachable,
  imdsHopLimit,
  podIdentityTrustPolicy,
  podIdentityAgentUnavailable,
  ecrGetAuthorizationTokenDenied,
  ecrRepositoryArnMismatch,
  ecrActionMissing,
  ecrEndpointUnreachable,
  ecrRegistryMismatch,
  ecrTokenExpired,
  imageProviderNotAws,
  rateLimited,
  nodeImagePullDenied,
  imageTagNotFound,
  noTags,
  tagFilterNoMatch,
  semverNoMatch,
  imageSpecInvalid,
  markerMissing,
  automationScopeMismatch,
  blockedByControllerFlag,
  gitAuthAppPasswordRemoved,
  gitCredentialsInvalid,
  gitAccessDenied,
  gitBranchNotFound,
  gitBranchProtected,
  gitKnownHostsMissing,
  codecommitMisconfigured,
  tlsCaUntrusted,
  egressBlocked,
  secretInvalid,
  sourceNotReady,
  kustomizePathMissing,
  kustomizeResourceMissing,
  kustomizeBuildInvalid,
  postbuildVariableMissing,
  sopsDecryptionFailed,
  dependencyNotReady,
  healthCheckTimeout,
  crdMissing,
  apiVersionMismatch,
  immutableField,
  namespaceMissing,
  rbacForbidden,
  webhookUnavailable,
  quotaExceeded,
  nothingBroken,
];
