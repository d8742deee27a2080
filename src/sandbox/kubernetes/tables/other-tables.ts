import { valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type Fields, items, struct } from '../defaults/fields.ts';
import { age, ageColumn, integer, keyCount, labelText, nameColumn, numberAt, text, textAt } from './cells.ts';
import type { Column } from './column.ts';
import { podColumns } from './pod-table.ts';
import { workloadTables } from './workload-tables.ts';

/** The columns of the built-in kinds that have some of their own, by group and kind. */
export function builtinColumns(group: string, kind: string): readonly Column[] | undefined {
  return workloadTables[`${group}/${kind}`] ?? otherTables[`${group}/${kind}`];
}

const createdColumn = text('Created At', ({ metadata }) => metadata.creationTimestamp ?? '<unknown>');

const otherTables: Readonly<Record<string, readonly Column[]>> = {
  '/Pod': podColumns,
  '/ConfigMap': [nameColumn, integer('Data', keyCount('data', 'binaryData')), ageColumn],
  '/Secret': [
    nameColumn,
    text('Type', (object) => textAt(object, ['type'])),
    integer('Data', keyCount('data')),
    ageColumn,
  ],
  '/ServiceAccount': [nameColumn, ageColumn],
  '/Namespace': [nameColumn, text('Status', (object) => textAt(object, ['status', 'phase'])), ageColumn],
  '/Service': [
    nameColumn,
    text('Type', (object) => textAt(object, ['spec', 'type'])),
    text('Cluster-IP', (object) => textAt(object, ['spec', 'clusterIP'])),
    text('External-IP', externalAddress),
    text('Port(s)', (object) => portText(items(object['spec'], 'ports'))),
    ageColumn,
    text('Selector', (object) => labelText(valueAt(object, 'spec', 'selector')), 1),
  ],
  '/Endpoints': [nameColumn, text('Endpoints', endpointText), ageColumn],
  '/Node': [
    nameColumn,
    text('Status', () => 'Ready'),
    text('Roles', () => '<none>'),
    ageColumn,
    text('Version', (object) => textAt(object, ['status', 'nodeInfo', 'kubeletVersion'])),
    text('Internal-IP', (object) => String(items(object['status'], 'addresses')[0]?.['address'] ?? '<none>'), 1),
    text('External-IP', () => '<none>', 1),
    text('OS-Image', (object) => textAt(object, ['status', 'nodeInfo', 'osImage']), 1),
    text('Kernel-Version', (object) => textAt(object, ['status', 'nodeInfo', 'kernelVersion']), 1),
    text('Container-Runtime', (object) => textAt(object, ['status', 'nodeInfo', 'containerRuntimeVersion']), 1),
  ],
  '/Event': eventColumns('involvedObject', 'message', 'source', 'lastTimestamp', 'firstTimestamp', 'count'),
  'events.k8s.io/Event': eventColumns(
    'regarding',
    'note',
    'deprecatedSource',
    'deprecatedLastTimestamp',
    'deprecatedFirstTimestamp',
    'deprecatedCount',
  ),
  '/PersistentVolumeClaim': [
    nameColumn,
    text('Status', (object) => textAt(object, ['status', 'phase'])),
    text('Volume', (object) => textAt(object, ['spec', 'volumeName'], '')),
    text('Capacity', (object) => textAt(object, ['status', 'capacity', 'storage'], '')),
    text('Access Modes', (object) => accessModes(valueAt(object, 'status', 'accessModes'))),
    text('StorageClass', (object) => textAt(object, ['spec', 'storageClassName'], '')),
    text('VolumeAttributesClass', (object) => textAt(object, ['spec', 'volumeAttributesClassName'], '<unset>')),
    ageColumn,
    text('VolumeMode', (object) => textAt(object, ['spec', 'volumeMode']), 1),
  ],
  '/ResourceQuota': [nameColumn, text('Request', () => ''), text('Limit', () => ''), ageColumn],
  '/LimitRange': [nameColumn, createdColumn],
  'networking.k8s.io/Ingress': [
    nameColumn,
    text('Class', (object) => textAt(object, ['spec', 'ingressClassName'])),
    text('Hosts', hostText),
    text('Address', (object) =>
      items(struct(object, 'status', 'loadBalancer'), 'ingress')
        .map(({ ip, hostname }) => ip ?? hostname)
        .join(','),
    ),
    text('Ports', (object) => (items(object['spec'], 'tls').length > 0 ? '80, 443' : '80')),
    ageColumn,
  ],
  'networking.k8s.io/IngressClass': [
    nameColumn,
    text('Controller', (object) => textAt(object, ['spec', 'controller'])),
    text('Parameters', () => '<none>'),
    ageColumn,
  ],
  'networking.k8s.io/NetworkPolicy': [
    nameColumn,
    text('Pod-Selector', (object) => labelText(valueAt(object, 'spec', 'podSelector', 'matchLabels'))),
    ageColumn,
  ],
  'policy/PodDisruptionBudget': [
    nameColumn,
    text('Min Available', (object) => textAt(object, ['spec', 'minAvailable'], 'N/A')),
    text('Max Unavailable', (object) => textAt(object, ['spec', 'maxUnavailable'], 'N/A')),
    integer('Allowed Disruptions', (object) => numberAt(object, 'status', 'disruptionsAllowed')),
    ageColumn,
  ],
  'autoscaling/HorizontalPodAutoscaler': [
    nameColumn,
    text(
      'Reference',
      (object) =>
        `${textAt(object, ['spec', 'scaleTargetRef', 'kind'])}/${textAt(object, ['spec', 'scaleTargetRef', 'name'])}`,
    ),
    text('Targets', metricText),
    text('MinPods', (object) => textAt(object, ['spec', 'minReplicas'], '<unset>')),
    integer('MaxPods', (object) => numberAt(object, 'spec', 'maxReplicas')),
    integer('Replicas', (object) => numberAt(object, 'status', 'currentReplicas')),
    ageColumn,
  ],
  'coordination.k8s.io/Lease': [
    nameColumn,
    text('Holder', (object) => textAt(object, ['spec', 'holderIdentity'], '')),
    ageColumn,
  ],
  'rbac.authorization.k8s.io/Role': [nameColumn, createdColumn],
  'rbac.authorization.k8s.io/ClusterRole': [nameColumn, createdColumn],
  'rbac.authorization.k8s.io/RoleBinding': bindingColumns(),
  'rbac.authorization.k8s.io/ClusterRoleBinding': bindingColumns(),
  'storage.k8s.io/StorageClass': [
    nameColumn,
    text('Provisioner', (object) => textAt(object, ['provisioner'])),
    text('ReclaimPolicy', (object) => textAt(object, ['reclaimPolicy'])),
    text('VolumeBindingMode', (object) => textAt(object, ['volumeBindingMode'])),
    text('AllowVolumeExpansion', (object) => String(object['allowVolumeExpansion'] ?? false)),
    ageColumn,
  ],
  'scheduling.k8s.io/PriorityClass': [
    nameColumn,
    integer('Value', (object) => numberAt(object, 'value')),
    text('Global-Default', (object) => String(object['globalDefault'] ?? false)),
    ageColumn,
    text('PreemptionPolicy', (object) => textAt(object, ['preemptionPolicy'])),
  ],
  'apiextensions.k8s.io/CustomResourceDefinition': [nameColumn, createdColumn],
  'discovery.k8s.io/EndpointSlice': [
    nameColumn,
    text('AddressType', (object) => textAt(object, ['addressType'])),
    text(
      'Ports',
      (object) =>
        items(object, 'ports')
          .map(({ port }) => port ?? '*')
          .join(',') || '<unset>',
    ),
    text(
      'Endpoints',
      (object) =>
        items(object, 'endpoints')
          .flatMap(({ addresses }) => addresses as string[])
          .join(',') || '<unset>',
    ),
    ageColumn,
  ],
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': webhookColumns(),
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': webhookColumns(),
};

function webhookColumns(): Column[] {
  return [nameColumn, integer('Webhooks', (object) => items(object, 'webhooks').length), ageColumn];
}

function bindingColumns(): Column[] {
  const subjects = (kind: string) => (object: KubeObject) =>
    items(object, 'subjects')
      .filter((subject) => subject['kind'] === kind)
      .map(({ namespace, name }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
      .join(', ');
  return [
    nameColumn,
    text('Role', (object) => `${textAt(object, ['roleRef', 'kind'])}/${textAt(object, ['roleRef', 'name'])}`),
    ageColumn,
    text('Users', subjects('User'), 1),
    text('Groups', subjects('Group'), 1),
    text('ServiceAccounts', subjects('ServiceAccount'), 1),
  ];
}

function externalAddress(service: KubeObject): string {
  const spec = struct(service, 'spec') ?? {};
  const external = (spec['externalIPs'] ?? []) as string[];
  if (spec['type'] === 'ExternalName') return String(spec['externalName']);
  if (spec['type'] === 'LoadBalancer') {
    const balancers = items(struct(service, 'status', 'loadBalancer'), 'ingress').map(
      ({ ip, hostname }) => ip ?? hostname,
    );
    return [...balancers, ...external].join(',') || '<pending>';
  }
  return external.join(',') || '<none>';
}

function portText(ports: readonly Fields[]): string {
  const shown = ports.map(({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`);
  return shown.length === 0 ? '<none>' : shown.join(',');
}

function endpointText(endpoints: KubeObject): string {
  const shown = items(endpoints, 'subsets').flatMap((subset) =>
    items(subset, 'addresses').flatMap(({ ip }) => items(subset, 'ports').map(({ port }) => `${ip}:${port}`)),
  );
  if (shown.length > 3) return `${shown.slice(0, 3).join(',')} + ${shown.length - 3} more...`;
  return shown.join(',') || '<none>';
}

function eventColumns(
  regarding: string,
  message: string,
  source: string,
  last: string,
  first: string,
  count: string,
): Column[] {
  const firstSeen = (event: KubeObject, now: number) => age(event[first] ?? event['eventTime'], now);
  const lastSeen = (event: KubeObject, now: number) =>
    age(valueAt(event, 'series', 'lastObservedTime') ?? event[last] ?? event[first] ?? event['eventTime'], now);
  return [
    text('Last Seen', lastSeen),
    text('Type', (event) => textAt(event, ['type'], '')),
    text('Reason', (event) => textAt(event, ['reason'], '')),
    text(
      'Object',
      (event) => `${textAt(event, [regarding, 'kind'], '').toLowerCase()}/${textAt(event, [regarding, 'name'], '')}`,
    ),
    text('Subobject', (event) => textAt(event, [regarding, 'fieldPath'], ''), 1),
    text('Source', (event) => textAt(event, [source, 'component'], textAt(event, ['reportingComponent'], '')), 1),
    text('Message', (event) => textAt(event, [message], '').trim()),
    text('First Seen', firstSeen, 1),
    integer('Count', (event) => Number(valueAt(event, 'series', 'count') ?? event[count] ?? 1), 1),
    { ...nameColumn, priority: 1 },
  ];
}

const modes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function accessModes(value: unknown): string {
  return Array.isArray(value) ? value.map((mode) => modes[String(mode)] ?? mode).join(',') : '';
}

function hostText(ingress: KubeObject): string {
  const hosts = items(ingress['spec'], 'rules')
    .map(({ host }) => host)
    .filter((host) => host !== undefined && host !== '');
  return hosts.length === 0 ? '*' : hosts.join(',');
}

function metricText(autoscaler: KubeObject): string {
  const shown = items(autoscaler['spec'], 'metrics').map((metric) => {
    const utilization = valueAt(metric, 'resource', 'target', 'averageUtilization');
    const name = textAt(metric, ['resource', 'name'], '');
    return utilization === undefined ? `${name}: <unknown>` : `${name}: <unknown>/${utilization}%`;
  });
  return shown.length === 0 ? '<none>' : shown.join(', ');
}
