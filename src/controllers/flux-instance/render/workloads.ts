import type { KubeObject } from '../../../base/kube-object.ts';
import type { ServedComponent, Settings } from '../settings.ts';
import { argumentsOf, sizeOf } from './arguments.ts';

/** Label of what belongs to a shard. */
const roleLabel = 'sharding.fluxcd.io/role';

/** The ServiceAccount, and for the main set and each shard a Deployment with what it serves and keeps. */
export function workloadsOf(component: ServedComponent, settings: Settings, image: string): KubeObject[] {
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: component } };
  return [account, ...settings.shards.flatMap((shard) => unitOf(component, shard, settings, image))];
}

function unitOf(component: ServedComponent, shard: string, settings: Settings, image: string): KubeObject[] {
  const name = shard === '' ? component : `${component}-${shard}`;
  const keepsFiles = component === 'source-controller';
  const isPersistent = keepsFiles && isPersistentShard(shard, settings);
  return [
    ...(keepsFiles ? [service(name, shard)] : []),
    ...(isPersistent ? [claim(name, settings)] : []),
    deployment(component, name, shard, settings, image, isPersistent),
  ];
}

function isPersistentShard(shard: string, { spec }: Settings): boolean {
  return spec.storage !== undefined && (shard === '' || spec.sharding?.storage === 'persistent');
}

function metadata(name: string, shard: string): KubeObject['metadata'] {
  return { name, ...(shard !== '' && { labels: { [roleLabel]: 'shard' } }) };
}

function service(name: string, shard: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(name, shard),
    spec: {
      type: 'ClusterIP',
      selector: { app: name },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 'http' }],
    },
  };
}

function claim(name: string, { spec }: Settings): KubeObject {
  const { class: storageClassName = '', size: storage = '' } = spec.storage ?? {};
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage } } },
  };
}

const safeToEvict = { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' };

function deployment(
  component: ServedComponent,
  name: string,
  shard: string,
  settings: Settings,
  image: string,
  isPersistent: boolean,
): KubeObject {
  const { spec, cluster } = settings;
  const { requests, limits } = sizeOf(component, cluster.size);
  const keepsFiles = component === 'source-controller';
  const isOpenShift = cluster.type === 'openshift';
  const pullSecret = spec.distribution.imagePullSecret ?? '';
  const { labels = {}, ...rest } = metadata(name, shard);
  const profile = cluster.size === '' ? undefined : { 'fluxcd.controlplane.io/profile': cluster.size };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...rest,
      labels: { ...labels, 'control-plane': 'controller' },
      ...(profile && { annotations: profile }),
    },
    spec: {
      replicas: 1,
      // Who follows has no artifacts yet, and a volume of its own or none: never two of them, as Flux.
      ...(keepsFiles && { strategy: { type: 'Recreate' } }),
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, 'app.kubernetes.io/part-of': 'flux' }, annotations: { ...safeToEvict } },
        spec: {
          serviceAccountName: component,
          terminationGracePeriodSeconds: 30,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          ...(pullSecret !== '' && { imagePullSecrets: [{ name: pullSecret }] }),
          ...(!isOpenShift && { securityContext: { fsGroup: 1337 } }),
          containers: [
            {
              name: 'manager',
              image,
              // It takes the place of Flux's controller of this name, whose last pod may still be alive.
              args: [...argumentsOf(component, shard, settings), '--take-over'],
              env: [{ name: 'RUNTIME_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } }],
              ports: [...(keepsFiles ? [port('http', 9090)] : []), port('http-prom', 8080), port('healthz', 9440)],
              livenessProbe: { httpGet: { path: '/healthz', port: 'healthz' } },
              // Only who leads serves artifacts; the Service must not lead to another.
              readinessProbe: keepsFiles
                ? { tcpSocket: { port: 'http' } }
                : { httpGet: { path: '/readyz', port: 'healthz' } },
              resources: { requests, limits },
              securityContext: securityContext(isOpenShift),
              volumeMounts: [
                { name: isPersistent ? 'persistent-data' : 'data', mountPath: '/data' },
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
          ],
          volumes: [
            isPersistent
              ? { name: 'persistent-data', persistentVolumeClaim: { claimName: name } }
              : { name: 'data', emptyDir: {} },
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    },
  };
}

function port(name: string, containerPort: number): Record<string, unknown> {
  return { name, containerPort, protocol: 'TCP' };
}

/** OpenShift's own constraints set the user and the seccomp profile (spec/instance.md §5.5). */
function securityContext(isOpenShift: boolean): Record<string, unknown> {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    ...(!isOpenShift && { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }),
  };
}
