import { z } from 'zod';
import { isRecord } from '../base/json.ts';

const Patch = z.strictObject({
  patch: z.string(),
  target: z
    .strictObject({
      group: z.string().optional(),
      version: z.string().optional(),
      kind: z.string().optional(),
      name: z.string().optional(),
      labelSelector: z.string().optional(),
      annotationSelector: z.string().optional(),
    })
    .optional(),
});

const switches = {
  networkPolicy: z.boolean().optional(),
  multitenant: z.boolean().optional(),
  objectLevelWorkloadIdentity: z.boolean().optional(),
  multitenantWorkloadIdentity: z.boolean().optional(),
};

/** The values that the flux-instance chart knows (spec/instance.md §10). The chart itself accepts any others without a word. */
export const FluxInstanceValues = z.strictObject({
  fullnameOverride: z.string().optional(),
  commonAnnotations: z.record(z.string(), z.string()).optional(),
  commonLabels: z.record(z.string(), z.string()).optional(),
  healthcheck: z.looseObject({ enabled: z.boolean().optional(), timeout: z.string().optional() }).optional(),
  instance: z
    .strictObject({
      distribution: z
        .strictObject({
          version: z.string().optional(),
          registry: z.string().optional(),
          variant: z.string().nullish(),
          artifact: z.string().optional(),
          artifactPullSecret: z.string().optional(),
          imagePullSecret: z.string().optional(),
        })
        .optional(),
      components: z.array(z.string()).optional(),
      cluster: z
        .strictObject({
          type: z.enum(['kubernetes', 'openshift', 'aws', 'azure', 'gcp']).optional(),
          size: z.enum(['small', 'medium', 'large']).optional(),
          domain: z.string().optional(),
          tenantDefaultServiceAccount: z.string().optional(),
          tenantDefaultDecryptionServiceAccount: z.string().optional(),
          tenantDefaultKubeConfigServiceAccount: z.string().optional(),
          ...switches,
        })
        .optional(),
      commonMetadata: z
        .strictObject({ labels: z.record(z.string(), z.string()), annotations: z.record(z.string(), z.string()) })
        .partial()
        .optional(),
      storage: z.strictObject({ class: z.string(), size: z.string() }).optional(),
      sharding: z.strictObject({ key: z.string().optional(), shards: z.array(z.string()) }).optional(),
      kustomize: z.strictObject({ patches: z.array(Patch) }).optional(),
      sync: z
        .strictObject({
          interval: z.string().optional(),
          kind: z.enum(['GitRepository', 'OCIRepository', 'Bucket']).optional(),
          url: z.string().optional(),
          ref: z
            .string()
            .regex(/^refs\//, 'must be a full ref name such as refs/heads/main')
            .optional(),
          path: z.string().optional(),
          pullSecret: z.string().optional(),
          name: z.string().optional(),
          provider: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
});

/** What people write into the chart's values, and what they should write. */
const corrections: readonly [path: string, advice: string][] = [
  ['instance.sync.eks', 'write instance.sync.kind'],
  ['installCRDs', 'installCRDs belongs to the flux-operator chart'],
  ['namespace', 'a target with a namespace matches nothing: leave the namespace out of the patch target'],
];

/** The faults of values for the flux-instance chart, one line each with the right spelling where it is known. */
export function faultsOfInstanceValues(values: unknown): string[] {
  const result = FluxInstanceValues.safeParse(values);
  const schemaFaults = result.success ? [] : result.error.issues.flatMap(describe);
  return [...schemaFaults, ...mismatchedVersion(values)];
}

function describe(issue: z.core.$ZodIssue): string[] {
  const place = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return [`${place}: ${issue.message}`];
  return issue.keys.map((key) => {
    const path = place === '' ? key : `${place}.${key}`;
    const advice = corrections.find(([known]) => known === path || (known === key && place.endsWith('target')))?.[1];
    return `${path}: the chart knows no such value${advice === undefined ? '' : `; ${advice}`}`;
  });
}

function mismatchedVersion(values: unknown): string[] {
  const instance = isRecord(values) && isRecord(values['instance']) ? values['instance'] : {};
  const distribution = isRecord(instance['distribution']) ? instance['distribution'] : {};
  return typeof distribution['version'] === 'number'
    ? ['instance.distribution.version: is a number in YAML; put it into quotes']
    : [];
}
