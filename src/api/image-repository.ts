import { z } from 'zod';
import { ageColumn, defineKind, type ObjectOf, readyColumns, unobserved } from './kind.ts';
import { AccessFrom, CloudProvider, commonStatus, Duration, LocalRef, Time, Timeout } from './schema.ts';

export const imageGroup = 'image.toolkit.fluxcd.io';

/** An image in a registry whose tags are scanned (spec/image.md §2). */
export const ImageRepository = defineKind({
  group: imageGroup,
  versions: ['v1', 'v1beta2'],
  kind: 'ImageRepository',
  plural: 'imagerepositories',
  singular: 'imagerepository',
  shortNames: ['imgrepo', 'imagerepo'],
  categories: ['all', 'fluxcd', 'fluxcd-images'],
  printerColumns: [
    { name: 'Image', jsonPath: '.spec.image', type: 'string' },
    { name: 'Tags', jsonPath: '.status.lastScanResult.tagCount', type: 'string' },
    ...readyColumns,
    { name: 'Last scan', jsonPath: '.status.lastScanResult.scanTime', type: 'string', priority: 1 },
    ageColumn,
  ],
  spec: z.object({
    image: z.string(),
    interval: Duration,
    timeout: Timeout.optional(),
    secretRef: LocalRef.optional(),
    proxySecretRef: LocalRef.optional(),
    serviceAccountName: z.string().max(253).optional(),
    certSecretRef: LocalRef.optional(),
    suspend: z.boolean().optional(),
    accessFrom: AccessFrom.optional(),
    exclusionList: z.array(z.string()).max(25).default(['^.*\\.sig$']),
    provider: CloudProvider,
    insecure: z.boolean().optional(),
  }),
  status: z.object({
    ...commonStatus,
    canonicalImageName: z.string().optional(),
    observedExclusionList: z.array(z.string()).optional(),
    lastScanResult: z
      .object({
        revision: z.string().optional(),
        tagCount: z.number().int(),
        scanTime: Time.optional(),
        latestTags: z.array(z.string()).optional(),
      })
      .optional(),
  }),
  statusDefault: unobserved,
});
export type ImageRepository = ObjectOf<typeof ImageRepository>;
