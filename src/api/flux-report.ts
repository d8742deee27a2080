import { z } from 'zod';
import { instanceGroup } from './flux-instance.ts';
import { ageColumn, defineKind, type ObjectOf, readyColumns } from './kind.ts';
import { ConditionSchema } from './schema.ts';

const Stats = z.object({
  running: z.number().int(),
  failing: z.number().int(),
  suspended: z.number().int(),
  totalSize: z.string().optional(),
});

/** What is installed and how it does, at a glance (spec/instance.md §9). All of it stands in the spec. */
export const FluxReport = defineKind({
  group: instanceGroup,
  versions: ['v1'],
  kind: 'FluxReport',
  plural: 'fluxreports',
  singular: 'fluxreport',
  categories: ['fluxcd'],
  printerColumns: [
    { name: 'Entitlement', jsonPath: '.spec.distribution.entitlement', type: 'string', priority: 10 },
    ageColumn,
    ...readyColumns,
    {
      name: 'LastUpdated',
      jsonPath: '.status.conditions[?(@.type=="Ready")].lastTransitionTime',
      type: 'string',
    },
  ],
  rules: [["self.metadata.name == 'flux'", "the only accepted name for a FluxReport is 'flux'"]],
  spec: z.object({
    distribution: z.object({
      entitlement: z.string(),
      status: z.string(),
      version: z.string().optional(),
      managedBy: z.string().optional(),
    }),
    cluster: z.object({ serverVersion: z.string(), platform: z.string(), nodes: z.number().int() }).optional(),
    operator: z.object({ apiVersion: z.string(), version: z.string(), platform: z.string() }).optional(),
    components: z
      .array(z.object({ name: z.string(), ready: z.boolean(), status: z.string(), image: z.string() }))
      .optional(),
    reconcilers: z.array(z.object({ apiVersion: z.string(), kind: z.string(), stats: Stats })).optional(),
    sync: z
      .object({
        id: z.string(),
        path: z.string().optional(),
        ready: z.boolean(),
        status: z.string(),
        source: z.string().optional(),
      })
      .optional(),
  }),
  status: z.object({
    conditions: z.array(ConditionSchema).optional(),
    lastHandledReconcileAt: z.string().optional(),
  }),
});
export type FluxReport = ObjectOf<typeof FluxReport>;
