import { z } from 'zod';
import { Artifact } from './artifact.ts';
import { sourceGroup } from './git-repository.ts';
import { ageColumn, defineKind, keepVariables, type ObjectOf, readyColumns, unobserved } from './kind.ts';
import { CloudProvider, commonStatus, Duration, LocalRef, requiredDespiteDefault, Timeout } from './schema.ts';

export const LayerSelector = z.object({
  mediaType: z.string().optional(),
  operation: z.enum(['extract', 'copy']).optional(),
});
export type LayerSelector = z.infer<typeof LayerSelector>;

/** How the signature of an OCI artifact is checked. */
export const OciVerification = z.object({
  provider: z.enum(['cosign', 'notation']).default('cosign').meta(requiredDespiteDefault),
  secretRef: LocalRef.optional(),
  matchOIDCIdentity: z.array(z.object({ issuer: z.string(), subject: z.string() })).optional(),
});

/** An OCI artifact whose content becomes an artifact (spec/source.md §5). */
export const OCIRepository = defineKind({
  group: sourceGroup,
  versions: ['v1'],
  kind: 'OCIRepository',
  plural: 'ocirepositories',
  singular: 'ocirepository',
  shortNames: ['ocirepo'],
  categories: ['all', 'fluxcd', 'fluxcd-sources'],
  annotations: keepVariables,
  printerColumns: [{ name: 'URL', jsonPath: '.spec.url', type: 'string' }, ...readyColumns, ageColumn],
  spec: z.object({
    url: z.string().regex(/^oci:\/\/.*$/),
    ref: z
      .object({
        digest: z.string().optional(),
        semver: z.string().optional(),
        semverFilter: z.string().optional(),
        tag: z.string().optional(),
      })
      .optional(),
    layerSelector: LayerSelector.optional(),
    provider: CloudProvider,
    secretRef: LocalRef.optional(),
    verify: OciVerification.extend({ trustedRootSecretRef: LocalRef.optional() }).optional(),
    serviceAccountName: z.string().optional(),
    certSecretRef: LocalRef.optional(),
    proxySecretRef: LocalRef.optional(),
    interval: Duration,
    timeout: Timeout.default('60s'),
    ignore: z.string().optional(),
    insecure: z.boolean().optional(),
    suspend: z.boolean().optional(),
  }),
  status: z.object({
    ...commonStatus,
    artifact: Artifact.optional(),
    url: z.string().optional(),
    observedIgnore: z.string().optional(),
    observedLayerSelector: LayerSelector.optional(),
  }),
  statusDefault: unobserved,
});
export type OCIRepository = ObjectOf<typeof OCIRepository>;
