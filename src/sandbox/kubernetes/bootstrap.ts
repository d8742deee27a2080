import { formatTime } from '../../base/clock.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { bootstrapRoles } from './auth/bootstrap-roles.ts';
import { nodeName } from './controllers/node-name.ts';
import type { Cluster, UserInfo } from './kinds/cluster.ts';
import { createOwn } from './verbs/create.ts';
import type { WriteOptions } from './verbs/write-options.ts';

/** The server itself, for what it writes on its own behalf. */
export const apiServerUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters'], extra: {} };

/** How a part of the cluster writes: under its own name as field manager. */
export function ownOptions(manager: string, subresource = ''): WriteOptions {
  return { user: apiServerUser, manager, dryRun: false, fieldValidation: 'Ignore', subresource, warnings: [] };
}

const namespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** Creates what every cluster has from its first moment: namespaces, the API's own Service, the roles of RBAC. */
export function bootstrap(cluster: Cluster, withNode: boolean): void {
  const options = ownOptions('kube-apiserver');
  const ensure = (storage: string, object: KubeObject) => {
    const resource = cluster.registry.byStorage(storage);
    if (resource === undefined) throw new Error(`nothing is stored as ${storage}`);
    const { namespace = '', name } = object.metadata;
    if (cluster.store.get(storage, namespace, name) === undefined) createOwn(cluster, resource, object, options);
  };
  for (const name of namespaces) ensure('/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const [storage, role] of bootstrapRoles()) ensure(storage, role);
  ensure('/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: { ports: [{ name: 'https', port: 443, targetPort: 6443, protocol: 'TCP' }] },
  });
  if (withNode) ensureNode(cluster);
}

/** The one node, ready and idle. */
function ensureNode(cluster: Cluster): void {
  const { store, clock } = cluster;
  const resource = cluster.registry.byStorage('/nodes');
  if (resource === undefined || store.get('/nodes', '', nodeName) !== undefined) return;
  const labels = { 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' };
  const node = createOwn(
    cluster,
    resource,
    { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, labels } },
    ownOptions('kubelet'),
  );
  if (node === undefined) return;
  const time = formatTime(clock.now());
  const times = { lastHeartbeatTime: time, lastTransitionTime: time };
  const capacity = { cpu: '8', memory: '32Gi', pods: '1000000' };
  const version = 'v1.36.0-millrace';
  store.put('/nodes', {
    ...node,
    status: {
      capacity,
      allocatable: capacity,
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: nodeName },
      ],
      conditions: [
        { type: 'Ready', status: 'True', ...times, reason: 'KubeletReady', message: 'kubelet is posting ready status' },
      ],
      nodeInfo: {
        machineID: '',
        systemUUID: '',
        bootID: '',
        kernelVersion: 'none',
        osImage: 'Millrace sandbox',
        containerRuntimeVersion: 'millrace://0',
        kubeletVersion: version,
        kubeProxyVersion: version,
        operatingSystem: 'linux',
        architecture: 'amd64',
      },
    },
  });
}
