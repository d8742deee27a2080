import { z } from 'zod';
import { ageColumn, defineKind, keepVariables, type ObjectOf, readyColumns, unobserved } from './kind.ts';
import { celRules, commonStatus, Duration, Int64, LocalRef, Selector, StringMap, Time } from './schema.ts';

const oneKubeConfig = 'exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified';

/** A folder of an artifact that is built and applied (spec/kustomization.md §1). */
export const Kustomization = defineKind({
  group: 'kustomize.toolkit.fluxcd.io',
  versions: ['v1'],
  kind: 'Kustomization',
  plural: 'kustomizations',
  singular: 'kustomization',
  shortNames: ['ks'],
  categories: ['all', 'fluxcd', 'fluxcd-appliers'],
  annotations: keepVariables,
  printerColumns: [ageColumn, ...readyColumns],
  spec: z.object({
    interval: Duration,
    retryInterval: Duration.optional(),
    timeout: Duration.optional(),
    sourceRef: z.object({
      apiVersion: z.string().optional(),
      kind: z.enum(['OCIRepository', 'GitRepository', 'Bucket', 'ExternalArtifact']),
      name: z.string(),
      namespace: z.string().optional(),
    }),
    path: z.string().optional(),
    prune: z.boolean(),
    deletionPolicy: z.enum(['MirrorPrune', 'Delete', 'WaitForTermination', 'Orphan']).optional(),
    dependsOn: z
      .array(z.object({ name: z.string(), namespace: z.string().optional(), readyExpr: z.string().optional() }))
      .optional(),
    wait: z.boolean().optional(),
    healthChecks: z
      .array(
        z.object({
          apiVersion: z.string().optional(),
          kind: z.string(),
          name: z.string(),
          namespace: z.string().optional(),
        }),
      )
      .optional(),
    healthCheckExprs: z
      .array(
        z.object({
          apiVersion: z.string(),
          kind: z.string().optional(),
          current: z.string(),
          inProgress: z.string().optional(),
          failed: z.string().optional(),
        }),
      )
      .optional(),
    force: z.boolean().default(false),
    suspend: z.boolean().optional(),
    serviceAccountName: z.string().optional(),
    kubeConfig: z
      .object({
        secretRef: z.object({ name: z.string(), key: z.string().optional() }).optional(),
        configMapRef: LocalRef.optional(),
      })
      .meta(
        celRules(
          ['has(self.configMapRef) || has(self.secretRef)', oneKubeConfig],
          ['!has(self.configMapRef) || !has(self.secretRef)', oneKubeConfig],
        ),
      )
      .optional(),
    decryption: z
      .object({
        provider: z.enum(['sops']),
        secretRef: LocalRef.optional(),
        serviceAccountName: z.string().optional(),
      })
      .optional(),
    targetNamespace: z.string().min(1).max(63).optional(),
    namePrefix: z.string().min(1).max(200).optional(),
    nameSuffix: z.string().min(1).max(200).optional(),
    commonMetadata: z.object({ labels: StringMap.optional(), annotations: StringMap.optional() }).optional(),
    patches: z.array(z.object({ patch: z.string(), target: Selector.optional() })).optional(),
    images: z
      .array(
        z.object({
          name: z.string(),
          newName: z.string().optional(),
          newTag: z.string().optional(),
          digest: z.string().optional(),
        }),
      )
      .optional(),
    components: z.array(z.string()).optional(),
    ignoreMissingComponents: z.boolean().optional(),
    buildMetadata: z.array(z.enum(['originAnnotations', 'transformerAnnotations'])).optional(),
    postBuild: z
      .object({
        substitute: StringMap.optional(),
        substituteFrom: z
          .array(
            z.object({
              kind: z.enum(['Secret', 'ConfigMap']),
              name: z.string().min(1).max(253),
              optional: z.boolean().default(false),
            }),
          )
          .optional(),
        substituteStrategy: z.enum(['WithVariables', 'Always']).optional(),
      })
      .optional(),
    ignore: z.array(z.object({ paths: z.array(z.string()), target: Selector.optional() })).optional(),
  }),
  status: z.object({
    ...commonStatus,
    lastAppliedRevision: z.string().optional(),
    lastAppliedOriginRevision: z.string().optional(),
    lastAttemptedRevision: z.string().optional(),
    inventory: z.object({ entries: z.array(z.object({ id: z.string(), v: z.string() })) }).optional(),
    history: z
      .array(
        z.object({
          digest: z.string(),
          firstReconciled: Time,
          lastReconciled: Time,
          lastReconciledDuration: z.string(),
          lastReconciledStatus: z.string(),
          totalReconciliations: Int64,
          metadata: StringMap.optional(),
        }),
      )
      .optional(),
  }),
  statusDefault: unobserved,
});
export type Kustomization = ObjectOf<typeof Kustomization>;
