import { z } from 'zod';
import { ageColumn, defineKind, type ObjectOf, readyColumns } from './kind.ts';
import { ConditionSchema, celRules, Duration, Selector, StringMap, Time } from './schema.ts';

export const instanceGroup = 'fluxcd.controlplane.io';

/** The components that the API knows, whoever serves them (spec/instance.md §2). */
export const componentNames = [
  'source-controller',
  'kustomize-controller',
  'helm-controller',
  'notification-controller',
  'image-reflector-controller',
  'image-automation-controller',
  'source-watcher',
] as const;

const Cluster = z
  .object({
    type: z.enum(['kubernetes', 'openshift', 'aws', 'azure', 'gcp']).default('kubernetes'),
    size: z.enum(['small', 'medium', 'large']).optional(),
    domain: z.string().default('cluster.local'),
    networkPolicy: z.boolean().default(true),
    multitenant: z.boolean().default(false),
    tenantDefaultServiceAccount: z.string().default('default'),
    objectLevelWorkloadIdentity: z.boolean().default(false),
    multitenantWorkloadIdentity: z.boolean().default(false),
    tenantDefaultDecryptionServiceAccount: z.string().default('default'),
    tenantDefaultKubeConfigServiceAccount: z.string().default('default'),
  })
  .meta(
    celRules([
      '!has(self.multitenantWorkloadIdentity) || !self.multitenantWorkloadIdentity || (has(self.objectLevelWorkloadIdentity) && self.objectLevelWorkloadIdentity)',
      '.objectLevelWorkloadIdentity must be set to true when .multitenantWorkloadIdentity is set to true',
    ]),
  );

const Sync = z
  .object({
    name: z
      .string()
      .max(63)
      .meta(celRules(['self == oldSelf', 'Sync name is immutable']))
      .optional(),
    interval: Duration.default('1m'),
    kind: z.enum(['GitRepository', 'OCIRepository', 'Bucket']),
    url: z.string(),
    ref: z.string(),
    path: z.string(),
    pullSecret: z.string().optional(),
    provider: z.enum(['generic', 'aws', 'azure', 'gcp', 'github']).optional(),
  })
  .meta(
    celRules(
      [
        "!has(self.provider) || self.provider != 'gcp' || self.kind != 'GitRepository'",
        "sync.provider 'gcp' is only supported for OCIRepository and Bucket",
      ],
      [
        "!has(self.provider) || self.provider != 'github' || self.kind == 'GitRepository'",
        "sync.provider 'github' is only supported for GitRepository",
      ],
    ),
  );

/** An installation of the controllers: which of them run, how, and what they synchronise first (spec/instance.md §1–3). */
export const FluxInstance = defineKind({
  group: instanceGroup,
  versions: ['v1'],
  kind: 'FluxInstance',
  plural: 'fluxinstances',
  singular: 'fluxinstance',
  categories: ['fluxcd', 'fluxcd-appliers'],
  printerColumns: [
    ageColumn,
    ...readyColumns,
    { name: 'Revision', jsonPath: '.status.lastAttemptedRevision', type: 'string' },
  ],
  rules: [["self.metadata.name == 'flux'", "the only accepted name for a FluxInstance is 'flux'"]],
  spec: z
    .object({
      distribution: z.object({
        version: z.string(),
        registry: z.string(),
        variant: z
          .enum(['upstream-alpine', 'enterprise-alpine', 'enterprise-distroless', 'enterprise-distroless-fips'])
          .optional(),
        imagePullSecret: z.string().optional(),
        artifact: z
          .string()
          .regex(/^oci:\/\/.*$/)
          .optional(),
        artifactPullSecret: z.string().optional(),
      }),
      components: z
        .array(z.enum(componentNames))
        .default(['source-controller', 'kustomize-controller', 'helm-controller', 'notification-controller']),
      commonMetadata: z.object({ labels: StringMap.optional(), annotations: StringMap.optional() }).optional(),
      cluster: Cluster.optional(),
      sharding: z
        .object({
          key: z.string().default('sharding.fluxcd.io/key'),
          shards: z.array(z.string()).min(1),
          storage: z.enum(['ephemeral', 'persistent']).optional(),
        })
        .optional(),
      storage: z.object({ class: z.string(), size: z.string() }).optional(),
      kustomize: z
        .object({ patches: z.array(z.object({ patch: z.string(), target: Selector.optional() })).optional() })
        .optional(),
      wait: z.boolean().default(true),
      migrateResources: z.boolean().default(true),
      sync: Sync.optional(),
    })
    .meta(
      celRules([
        "!has(self.sharding) || !has(self.sharding.storage) || self.sharding.storage != 'persistent' || has(self.storage)",
        ".spec.storage must be set when .spec.sharding.storage is 'persistent'",
      ]),
    ),
  status: z.object({
    conditions: z.array(ConditionSchema).optional(),
    lastHandledReconcileAt: z.string().optional(),
    lastHandledForceAt: z.string().optional(),
    lastAttemptedRevision: z.string().optional(),
    lastAppliedRevision: z.string().optional(),
    lastArtifactRevision: z.string().optional(),
    components: z
      .array(z.object({ name: z.string(), repository: z.string(), tag: z.string(), digest: z.string().optional() }))
      .optional(),
    inventory: z.object({ entries: z.array(z.object({ id: z.string(), v: z.string() })) }).optional(),
    history: z
      .array(
        z.object({
          digest: z.string(),
          firstReconciled: Time,
          lastReconciled: Time,
          lastReconciledDuration: z.string(),
          lastReconciledStatus: z.string(),
          totalReconciliations: z.number().int().meta({ format: 'int64' }),
          metadata: StringMap.optional(),
        }),
      )
      .optional(),
  }),
});
export type FluxInstance = ObjectOf<typeof FluxInstance>;
