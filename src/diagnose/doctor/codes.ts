/** The failure codes and their groups (spec/failure-codes.md). A code names one root cause. */
export const failureGroups = {
  'aws-identity': [
    'irsa-annotation-missing',
    'pod-not-restarted-after-annotation',
    'irsa-role-arn-invalid',
    'token-file-unreadable',
    'oidc-provider-missing',
    'trust-policy-sub-mismatch',
    'trust-policy-aud-mismatch',
    'trust-policy-provider-mismatch',
    'web-identity-token-invalid',
    'sts-endpoint-unreachable',
    'aws-region-invalid',
    'imds-hop-limit',
    'pod-identity-association-missing',
    'pod-identity-trust-policy',
    'pod-identity-agent-unavailable',
  ],
  registry: [
    'ecr-get-authorization-token-denied',
    'ecr-repository-arn-mismatch',
    'ecr-action-missing',
    'ecr-cross-account-policy-missing',
    'ecr-endpoint-unreachable',
    'ecr-registry-mismatch',
    'ecr-token-expired',
    'image-provider-not-aws',
    'rate-limited',
    'node-image-pull-denied',
    'image-tag-not-found',
  ],
  'image-automation': [
    'no-tags',
    'tag-filter-no-match',
    'semver-no-match',
    'image-spec-invalid',
    'marker-missing',
    'automation-scope-mismatch',
    'blocked-by-controller-flag',
  ],
  git: [
    'git-auth-app-password-removed',
    'git-credentials-invalid',
    'git-access-denied',
    'git-ssh-key-rejected',
    'git-known-hosts-missing',
    'git-host-key-mismatch',
    'git-branch-not-found',
    'git-branch-protected',
    'git-deploy-key-read-only',
    'git-push-non-fast-forward',
    'secret-invalid',
    'codecommit-misconfigured',
    'tls-ca-untrusted',
    'egress-blocked',
  ],
  source: ['source-not-ready', 'artifact-download-failed', 'flux-distribution-pull-failed'],
  apply: [
    'kustomize-path-missing',
    'kustomize-resource-missing',
    'kustomize-build-invalid',
    'postbuild-variable-missing',
    'sops-decryption-failed',
    'dependency-not-ready',
    'health-check-timeout',
    'crd-missing',
    'api-version-mismatch',
    'immutable-field',
    'namespace-missing',
    'rbac-forbidden',
    'webhook-denied',
    'webhook-unavailable',
    'quota-exceeded',
  ],
  helm: ['helm-release-failed', 'helm-operation-locked', 'helm-chart-not-found'],
} as const;

export type FailureGroup = keyof typeof failureGroups;
export type FailureCode = (typeof failureGroups)[FailureGroup][number];

/** The group that a code belongs to. */
export function groupOfCode(code: FailureCode): FailureGroup {
  for (const [group, codes] of Object.entries(failureGroups)) {
    if ((codes as readonly string[]).includes(code)) return group as FailureGroup;
  }
  throw new Error(`${code} is in no group`);
}
