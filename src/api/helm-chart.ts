import { z } from 'zod';
import { Artifact } from './artifact.ts';
import { sourceGroup } from './git-repository.ts';
import { ageColumn, defineKind, keepVariables, type ObjectOf, readyColumns, unobserved } from './kind.ts';
import { OciVerification } from './oci-repository.ts';
import { celRules, commonStatus, Duration } from './schema.ts';

/** A Helm chart, from a chart repository or a folder of another source (spec/source.md §8). */
export const HelmChart = defineKind({
  group: sourceGroup,
  versions: ['v1'],
  kind: 'HelmChart',
  plural: 'helmcharts',
  singular: 'helmchart',
  shortNames: ['hc'],
  categories: ['all', 'fluxcd', 'fluxcd-sources'],
  annotations: keepVariables,
  printerColumns: [
    { name: 'Chart', jsonPath: '.spec.chart', type: 'string' },
    { name: 'Version', jsonPath: '.spec.version', type: 'string' },
    { name: 'Source Kind', jsonPath: '.spec.sourceRef.kind', type: 'string' },
    { name: 'Source Name', jsonPath: '.spec.sourceRef.name', type: 'string' },
    ageColumn,
    ...readyColumns,
  ],
  spec: z
    .object({
      chart: z.string(),
      version: z.string().default('*'),
      sourceRef: z.object({
        apiVersion: z.string().optional(),
        kind: z.enum(['HelmRepository', 'GitRepository', 'Bucket']),
        name: z.string(),
      }),
      interval: Duration,
      reconcileStrategy: z.enum(['ChartVersion', 'Revision']).default('ChartVersion'),
      valuesFiles: z.array(z.string()).optional(),
      ignoreMissingValuesFiles: z.boolean().optional(),
      suspend: z.boolean().optional(),
      verify: OciVerification.optional(),
    })
    .meta(
      celRules([
        "!has(self.verify) || self.sourceRef.kind == 'HelmRepository'",
        "spec.verify is only supported when spec.sourceRef.kind is 'HelmRepository'",
      ]),
    ),
  status: z.object({
    ...commonStatus,
    artifact: Artifact.optional(),
    url: z.string().optional(),
    observedChartName: z.string().optional(),
    observedSourceArtifactRevision: z.string().optional(),
    observedValuesFiles: z.array(z.string()).optional(),
  }),
  statusDefault: unobserved,
});
export type HelmChart = ObjectOf<typeof HelmChart>;
