import { z } from 'zod';
import { Artifact } from './artifact.ts';
import { sourceGroup } from './git-repository.ts';
import { ageColumn, defineKind, keepVariables, type ObjectOf, readyColumns } from './kind.ts';
import { ConditionSchema } from './schema.ts';

/** An artifact that a third party serves and writes the status of (spec/source.md §9). */
export const ExternalArtifact = defineKind({
  group: sourceGroup,
  versions: ['v1'],
  kind: 'ExternalArtifact',
  plural: 'externalartifacts',
  singular: 'externalartifact',
  shortNames: ['ea'],
  categories: ['all', 'fluxcd', 'fluxcd-sources'],
  annotations: keepVariables,
  printerColumns: [ageColumn, ...readyColumns, { name: 'Source', jsonPath: '.spec.sourceRef.name', type: 'string' }],
  spec: z.object({
    sourceRef: z
      .object({
        apiVersion: z.string().optional(),
        kind: z.string(),
        name: z.string(),
        namespace: z.string().optional(),
      })
      .optional(),
  }),
  status: z.object({ artifact: Artifact.optional(), conditions: z.array(ConditionSchema).optional() }),
});
export type ExternalArtifact = ObjectOf<typeof ExternalArtifact>;
