import type { ServedComponent, Settings } from '../settings.ts';

interface Size {
  requests: { cpu: string; memory: string };
  limits: { cpu: string; memory: string };
  concurrent?: number;
  requeueDependency?: string;
}

const requests = (memory: string) => ({ cpu: '100m', memory });

/** Resources and concurrency by size of the cluster (spec/instance.md §5.5). */
export function sizeOf(component: ServedComponent, size: string): Size {
  const applies = component === 'kustomize-controller';
  const fetches = component === 'source-controller';
  const standard = { requests: requests('64Mi'), limits: { cpu: '1000m', memory: '1Gi' } };
  if (size === 'small') {
    const small = { requests: requests('64Mi'), limits: { cpu: '1000m', memory: '512Mi' } };
    return applies ? { ...small, concurrent: 5, requeueDependency: '10s' } : small;
  }
  if (size === 'medium' && (applies || fetches)) {
    const medium = { requests: requests('128Mi'), limits: { cpu: '2000m', memory: '1Gi' } };
    return applies ? { ...medium, concurrent: 10, requeueDependency: '5s' } : { ...medium, concurrent: 5 };
  }
  if (size === 'large' && applies) {
    const limits = { cpu: '3000m', memory: '3Gi' };
    return { requests: requests('256Mi'), limits, concurrent: 20, requeueDependency: '5s' };
  }
  if (size === 'large' && fetches) {
    return { requests: requests('256Mi'), limits: { cpu: '2000m', memory: '2Gi' }, concurrent: 10 };
  }
  return standard;
}

/** The flags of `millrace run` for one component, of the main set or of a shard (spec/instance.md §5.4–5.6). */
export function argumentsOf(component: ServedComponent, shard: string, settings: Settings): string[] {
  const { namespace, cluster, shardKey, shards } = settings;
  const name = shard === '' ? component : `${component}-${shard}`;
  const { concurrent, requeueDependency } = sizeOf(component, cluster.size);
  const selector = shard === '' ? (shards.length > 1 ? `!${shardKey}` : undefined) : `${shardKey}=${shard}`;
  return [
    'run',
    `--controllers=${component}`,
    '--watch-all-namespaces=true',
    '--log-level=info',
    '--enable-leader-election',
    ...(component === 'source-controller'
      ? ['--storage-path=/data', `--storage-adv-addr=${name}.$(RUNTIME_NAMESPACE).svc.${cluster.domain}.`]
      : []),
    ...(concurrent === undefined ? [] : [`--concurrent=${concurrent}`]),
    ...(requeueDependency === undefined ? [] : [`--requeue-dependency=${requeueDependency}`]),
    ...tenancy(component, settings),
    ...(selector === undefined ? [] : [`--watch-label-selector=${selector}`]),
    ...(namespace === '' ? [] : [`--namespace=${namespace}`]),
  ];
}

function tenancy(component: ServedComponent, { cluster }: Settings): string[] {
  const applies = component === 'kustomize-controller';
  const gate = `--feature-gates=ObjectLevelWorkloadIdentity=${cluster.objectLevelWorkloadIdentity}`;
  const account = `--default-service-account=${cluster.tenantDefaultServiceAccount}`;
  return [
    ...(cluster.multitenant && component !== 'source-controller' ? ['--no-cross-namespace-refs=true'] : []),
    ...(cluster.multitenant && applies ? ['--no-remote-bases=true', account] : []),
    gate,
    ...(cluster.multitenantWorkloadIdentity
      ? applies
        ? [
            `--default-decryption-service-account=${cluster.tenantDefaultDecryptionServiceAccount}`,
            `--default-kubeconfig-service-account=${cluster.tenantDefaultKubeConfigServiceAccount}`,
          ]
        : [account]
      : []),
  ];
}
