import { z } from 'zod';
import { Artifact } from './artifact.ts';
import { sourceGroup } from './git-repository.ts';
import { ageColumn, defineKind, keepVariables, type ObjectOf, readyColumns, unobserved } from './kind.ts';
import { AccessFrom, CloudProvider, commonStatus, Duration, LocalRef, Timeout } from './schema.ts';

/** A Helm chart repository (spec/source.md §7). */
export const HelmRepository = defineKind({
  group: sourceGroup,
  versions: ['v1'],
  kind: 'HelmRepository',
  plural: 'helmrepositories',
  singular: 'helmrepository',
  shortNames: ['helmrepo'],
  categories: ['all', 'fluxcd', 'fluxcd-sources'],
  annotations: keepVariables,
  printerColumns: [{ name: 'URL', jsonPath: '.spec.url', type: 'string' }, ageColumn, ...readyColumns],
  spec: z.object({
    url: z.string().regex(/^(http|https|oci):\/\/.*$/),
    type: z.enum(['default', 'oci']).optional(),
    provider: CloudProvider,
    secretRef: LocalRef.optional(),
    certSecretRef: LocalRef.optional(),
    passCredentials: z.boolean().optional(),
    interval: Duration.optional(),
    timeout: Timeout.optional(),
    insecure: z.boolean().optional(),
    suspend: z.boolean().optional(),
    accessFrom: AccessFrom.optional(),
  }),
  status: z.object({ ...commonStatus, artifact: Artifact.optional(), url: z.string().optional() }),
  statusDefault: unobserved,
});
export type HelmRepository = ObjectOf<typeof HelmRepository>;
