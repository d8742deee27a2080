import { z } from 'zod';
import { imageGroup } from './image-repository.ts';
import { ageColumn, defineKind, type ObjectOf, readyColumns, unobserved } from './kind.ts';
import { celRules, commonStatus, Duration } from './schema.ts';

export const ImageRef = z.object({ name: z.string(), tag: z.string(), digest: z.string().optional() });
export type ImageRef = z.infer<typeof ImageRef>;

const Order = z.object({ order: z.enum(['asc', 'desc']).default('asc') });

/** Which tag of a scanned image is the latest (spec/image.md §4). */
export const ImagePolicy = defineKind({
  group: imageGroup,
  versions: ['v1', 'v1beta2'],
  kind: 'ImagePolicy',
  plural: 'imagepolicies',
  singular: 'imagepolicy',
  shortNames: ['imgpol', 'imagepol'],
  categories: ['all', 'fluxcd', 'fluxcd-images'],
  printerColumns: [
    { name: 'Image', jsonPath: '.status.latestRef.name', type: 'string' },
    { name: 'Tag', jsonPath: '.status.latestRef.tag', type: 'string' },
    ...readyColumns,
    ageColumn,
  ],
  spec: z
    .object({
      imageRepositoryRef: z.object({ name: z.string(), namespace: z.string().optional() }),
      policy: z.object({
        semver: z.object({ range: z.string() }).optional(),
        alphabetical: Order.optional(),
        numerical: Order.optional(),
      }),
      filterTags: z.object({ pattern: z.string().optional(), extract: z.string().optional() }).optional(),
      digestReflectionPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('Never'),
      interval: Duration.optional(),
      suspend: z.boolean().optional(),
    })
    .meta(
      celRules(
        [
          "!has(self.interval) || (has(self.digestReflectionPolicy) && self.digestReflectionPolicy == 'Always')",
          "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'",
        ],
        [
          "has(self.interval) || !has(self.digestReflectionPolicy) || self.digestReflectionPolicy != 'Always'",
          "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'",
        ],
      ),
    ),
  status: z.object({
    ...commonStatus,
    latestRef: ImageRef.optional(),
    observedPreviousRef: ImageRef.optional(),
  }),
  statusDefault: unobserved,
});
export type ImagePolicy = ObjectOf<typeof ImagePolicy>;
