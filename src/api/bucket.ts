import { z } from 'zod';
import { Artifact } from './artifact.ts';
import { sourceGroup } from './git-repository.ts';
import { ageColumn, defineKind, keepVariables, type ObjectOf, readyColumns, unobserved } from './kind.ts';
import { celRules, commonStatus, Duration, LocalRef, Timeout } from './schema.ts';

/** Objects of an S3-compatible store (spec/source.md §6). */
export const Bucket = defineKind({
  group: sourceGroup,
  versions: ['v1'],
  kind: 'Bucket',
  plural: 'buckets',
  singular: 'bucket',
  categories: ['all', 'fluxcd', 'fluxcd-sources'],
  annotations: keepVariables,
  printerColumns: [{ name: 'Endpoint', jsonPath: '.spec.endpoint', type: 'string' }, ageColumn, ...readyColumns],
  spec: z
    .object({
      provider: z.enum(['generic', 'aws', 'gcp', 'azure']).default('generic'),
      bucketName: z.string(),
      endpoint: z.string(),
      sts: z
        .object({
          provider: z.enum(['aws', 'ldap']),
          endpoint: z.string().regex(/^(http|https):\/\/.*$/),
          secretRef: LocalRef.optional(),
          certSecretRef: LocalRef.optional(),
        })
        .optional(),
      insecure: z.boolean().optional(),
      region: z.string().optional(),
      prefix: z.string().optional(),
      secretRef: LocalRef.optional(),
      serviceAccountName: z.string().optional(),
      certSecretRef: LocalRef.optional(),
      proxySecretRef: LocalRef.optional(),
      interval: Duration,
      timeout: Timeout.default('60s'),
      ignore: z.string().optional(),
      suspend: z.boolean().optional(),
    })
    .meta(
      celRules(
        [
          "self.provider == 'aws' || self.provider == 'generic' || !has(self.sts)",
          "STS configuration is only supported for the 'aws' and 'generic' Bucket providers",
        ],
        [
          "self.provider != 'aws' || !has(self.sts) || self.sts.provider == 'aws'",
          "'aws' is the only supported STS provider for the 'aws' Bucket provider",
        ],
        [
          "self.provider != 'generic' || !has(self.sts) || self.sts.provider == 'ldap'",
          "'ldap' is the only supported STS provider for the 'generic' Bucket provider",
        ],
        [
          "!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.secretRef)",
          "spec.sts.secretRef is not required for the 'aws' STS provider",
        ],
        [
          "!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.certSecretRef)",
          "spec.sts.certSecretRef is not required for the 'aws' STS provider",
        ],
        [
          "self.provider != 'generic' || !has(self.serviceAccountName)",
          "ServiceAccountName is not supported for the 'generic' Bucket provider",
        ],
        [
          '!has(self.secretRef) || !has(self.serviceAccountName)',
          'cannot set both .spec.secretRef and .spec.serviceAccountName',
        ],
      ),
    ),
  status: z.object({
    ...commonStatus,
    artifact: Artifact.optional(),
    url: z.string().optional(),
    observedIgnore: z.string().optional(),
  }),
  statusDefault: unobserved,
});
export type Bucket = ObjectOf<typeof Bucket>;
