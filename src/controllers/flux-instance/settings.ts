import type { componentNames, FluxInstance } from '../../api/flux-instance.ts';

export type ComponentName = (typeof componentNames)[number];

/** The components that Millrace serves, in the order of a delivery. */
export const servedComponents = [
  'source-controller',
  'kustomize-controller',
  'image-reflector-controller',
  'image-automation-controller',
] as const satisfies readonly ComponentName[];

/** The release of Flux whose API and flags are served; what `spec.distribution.version` is held against. */
export const fluxRelease = '2.9.4';

/** What an instance asks for, with the defaults that the API server does not fill in (spec/instance.md §2). */
export interface Settings {
  namespace: string;
  components: ServedComponent[];
  /** Asked for, but served by nobody here. */
  unserved: ComponentName[];
  cluster: Required<Omit<NonNullable<FluxInstance['spec']['cluster']>, 'size'>> & { size: string };
  shardKey: string;
  /** The main set, `''`, and one for each shard. */
  shards: string[];
  spec: FluxInstance['spec'];
}

export type ServedComponent = (typeof servedComponents)[number];

export function settingsOf({ spec, metadata }: FluxInstance): Settings {
  const { cluster, sharding } = spec;
  const served: readonly string[] = servedComponents;
  return {
    namespace: metadata.namespace ?? '',
    components: servedComponents.filter((name) => spec.components.includes(name)),
    unserved: spec.components.filter((name) => !served.includes(name)),
    cluster: {
      type: cluster?.type ?? 'kubernetes',
      size: cluster?.size ?? '',
      domain: cluster?.domain ?? 'cluster.local',
      networkPolicy: cluster?.networkPolicy ?? true,
      multitenant: cluster?.multitenant ?? false,
      tenantDefaultServiceAccount: cluster?.tenantDefaultServiceAccount ?? 'default',
      objectLevelWorkloadIdentity: cluster?.objectLevelWorkloadIdentity ?? false,
      multitenantWorkloadIdentity: cluster?.multitenantWorkloadIdentity ?? false,
      tenantDefaultDecryptionServiceAccount: cluster?.tenantDefaultDecryptionServiceAccount ?? 'default',
      tenantDefaultKubeConfigServiceAccount: cluster?.tenantDefaultKubeConfigServiceAccount ?? 'default',
    },
    shardKey: sharding?.key ?? 'sharding.fluxcd.io/key',
    shards: ['', ...(sharding?.shards ?? [])],
    spec,
  };
}
