import { z } from 'zod';
import { Artifact } from './artifact.ts';
import { ageColumn, defineKind, keepVariables, type ObjectOf, readyColumns, unobserved } from './kind.ts';
import { celRules, commonStatus, Duration, LocalRef, Timeout } from './schema.ts';

export const sourceGroup = 'source.toolkit.fluxcd.io';

/** Which commit: `commit` before `name`, `tag`, `semver`, `branch` (spec/source.md §3.3). */
export const GitReference = z.object({
  branch: z.string().optional(),
  tag: z.string().optional(),
  semver: z.string().optional(),
  name: z.string().optional(),
  commit: z.string().optional(),
});
export type GitReference = z.infer<typeof GitReference>;

export const GitInclude = z.object({
  repository: LocalRef,
  fromPath: z.string().optional(),
  toPath: z.string().optional(),
});
export type GitInclude = z.infer<typeof GitInclude>;

/** A git repository whose content becomes an artifact (spec/source.md §3). */
export const GitRepository = defineKind({
  group: sourceGroup,
  versions: ['v1'],
  kind: 'GitRepository',
  plural: 'gitrepositories',
  singular: 'gitrepository',
  shortNames: ['gitrepo'],
  categories: ['all', 'fluxcd', 'fluxcd-sources'],
  annotations: keepVariables,
  printerColumns: [{ name: 'URL', jsonPath: '.spec.url', type: 'string' }, ageColumn, ...readyColumns],
  spec: z
    .object({
      url: z.string().regex(/^(http|https|ssh):\/\/.*$/),
      secretRef: LocalRef.optional(),
      provider: z.enum(['generic', 'aws', 'azure', 'github']).optional(),
      serviceAccountName: z.string().optional(),
      interval: Duration,
      timeout: Timeout.default('60s'),
      ref: GitReference.optional(),
      verify: z
        .object({ mode: z.enum(['head', 'HEAD', 'Tag', 'TagAndHEAD']).default('HEAD'), secretRef: LocalRef })
        .optional(),
      proxySecretRef: LocalRef.optional(),
      ignore: z.string().optional(),
      suspend: z.boolean().optional(),
      recurseSubmodules: z.boolean().optional(),
      include: z.array(GitInclude).optional(),
      sparseCheckout: z.array(z.string()).optional(),
    })
    .meta(
      celRules([
        "!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))",
        "serviceAccountName can only be set when provider is 'azure' or 'aws'",
      ]),
    ),
  status: z.object({
    ...commonStatus,
    artifact: Artifact.optional(),
    includedArtifacts: z.array(Artifact).optional(),
    observedIgnore: z.string().optional(),
    observedRecurseSubmodules: z.boolean().optional(),
    observedInclude: z.array(GitInclude).optional(),
    observedSparseCheckout: z.array(z.string()).optional(),
    sourceVerificationMode: z.string().optional(),
  }),
  statusDefault: unobserved,
});
export type GitRepository = ObjectOf<typeof GitRepository>;
