import { z } from 'zod';
import { GitReference } from './git-repository.ts';
import { ImageRef } from './image-policy.ts';
import { imageGroup } from './image-repository.ts';
import { ageColumn, defineKind, keepVariables, type ObjectOf, readyColumns, unobserved } from './kind.ts';
import { commonStatus, Duration, LabelSelector, LocalRef, requiredDespiteDefault, StringMap, Time } from './schema.ts';

/** Commits the tags that policies have chosen (spec/image.md §6). */
export const ImageUpdateAutomation = defineKind({
  group: imageGroup,
  versions: ['v1', 'v1beta2'],
  kind: 'ImageUpdateAutomation',
  plural: 'imageupdateautomations',
  singular: 'imageupdateautomation',
  shortNames: ['iua', 'imgupd', 'imgauto'],
  categories: ['all', 'fluxcd', 'fluxcd-images'],
  annotations: keepVariables,
  printerColumns: [
    ...readyColumns,
    { name: 'Last run', jsonPath: '.status.lastAutomationRunTime', type: 'string', priority: 1 },
    ageColumn,
  ],
  spec: z.object({
    sourceRef: z.object({
      apiVersion: z.string().optional(),
      kind: z.enum(['GitRepository']).default('GitRepository').meta(requiredDespiteDefault),
      name: z.string(),
      namespace: z.string().optional(),
    }),
    interval: Duration,
    policySelector: LabelSelector.optional(),
    update: z
      .object({ strategy: z.enum(['Setters']).default('Setters'), path: z.string().optional() })
      .prefault({ strategy: 'Setters' }),
    suspend: z.boolean().optional(),
    git: z
      .object({
        checkout: z.object({ ref: GitReference }).optional(),
        commit: z.object({
          author: z.object({ name: z.string().optional(), email: z.string() }),
          signingKey: z.object({ secretRef: LocalRef, type: z.enum(['gpg', 'ssh']).optional() }).optional(),
          messageTemplate: z.string().optional(),
          messageTemplateValues: StringMap.optional(),
        }),
        push: z
          .object({
            branch: z.string().optional(),
            refspec: z.string().optional(),
            options: StringMap.optional(),
          })
          .optional(),
      })
      .optional(),
  }),
  status: z.object({
    ...commonStatus,
    lastAutomationRunTime: Time.optional(),
    lastPushCommit: z.string().optional(),
    lastPushTime: Time.optional(),
    observedPolicies: z.record(z.string(), ImageRef).optional(),
    observedSourceRevision: z.string().optional(),
  }),
  statusDefault: unobserved,
});
export type ImageUpdateAutomation = ObjectOf<typeof ImageUpdateAutomation>;
