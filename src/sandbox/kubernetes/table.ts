import { isRecord, textAt, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { valueAtJsonPath } from './json-path.ts';
import type { Resource } from './resources.ts';

interface Column {
  name: string;
  type: string;
  format?: string;
  priority: number;
  cell(object: KubeObject): unknown;
}

/** `meta.k8s.io/v1` Table, what kubectl prints. */
export function tableOf(
  resource: Resource,
  objects: readonly KubeObject[],
  metadata: object,
  includeObject: string,
): Record<string, unknown> {
  const columns = columnsOf(resource);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(({ name, type, format, priority }) => ({
      name,
      type,
      format: format ?? '',
      description: name,
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object)),
      ...(includeObject === 'None' ? {} : { object: includeObject === 'Object' ? object : partial(object) }),
    })),
  };
}

function partial({ metadata }: KubeObject): Record<string, unknown> {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

/** `3h5m`: an age as kubectl writes it. */
export function ageOf(timestamp: unknown, now = Date.now()): string {
  if (typeof timestamp !== 'string') return '<unknown>';
  const seconds = Math.max(0, Math.floor((now - Date.parse(timestamp)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  if (days < 730) return `${days}d`;
  return `${Math.floor(days / 365)}y`;
}

const text = (name: string, cell: Column['cell'], priority = 0): Column => ({ name, type: 'string', priority, cell });
const count = (name: string, cell: Column['cell']): Column => ({ name, type: 'integer', priority: 0, cell });
const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  priority: 0,
  cell: ({ metadata }) => metadata.name,
};
const age = text('Age', ({ metadata }) => ageOf(metadata.creationTimestamp));

function columnsOf(resource: Resource): Column[] {
  if (resource.columns !== undefined) {
    return [
      nameColumn,
      ...resource.columns.map(
        ({ name, type, jsonPath, priority }): Column => ({
          name,
          type,
          priority,
          cell: (object) => customCell(object, type, jsonPath),
        }),
      ),
    ];
  }
  return (
    builtinColumns[resource.kind] ?? [nameColumn, text('Created At', ({ metadata }) => metadata.creationTimestamp)]
  );
}

function customCell(object: KubeObject, type: string, path: string): unknown {
  const value = valueAtJsonPath(object, path);
  if (type === 'date') return value === undefined ? null : ageOf(value);
  if (value === undefined) return type === 'string' ? '' : null;
  if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value);
  return value;
}

const number = (object: unknown, ...path: string[]) => Number(valueAt(object, ...path) ?? 0);
const size = (value: unknown) => (isRecord(value) ? Object.keys(value).length : 0);

const selectorText = (selector: unknown) => {
  const labels = valueAt(selector, 'matchLabels') ?? selector;
  if (!isRecord(labels)) return '<none>';
  const pairs = Object.entries(labels).filter(([, value]) => typeof value === 'string');
  return pairs.length === 0 ? '<none>' : pairs.map(([key, value]) => `${key}=${value}`).join(',');
};

const containerTexts = (object: KubeObject, field: string) => {
  const containers = valueAt(object, 'spec', 'template', 'spec', 'containers');
  return Array.isArray(containers) ? containers.map((container) => textAt(container, field) ?? '').join(',') : '';
};

const podTemplateColumns = [
  text('Containers', (object) => containerTexts(object, 'name'), 1),
  text('Images', (object) => containerTexts(object, 'image'), 1),
  text('Selector', (object) => selectorText(valueAt(object, 'spec', 'selector')), 1),
];

const builtinColumns: Record<string, Column[]> = {
  ConfigMap: [nameColumn, count('Data', (object) => size(object['data']) + size(object['binaryData'])), age],
  Secret: [
    nameColumn,
    text('Type', (object) => object['type'] ?? ''),
    count('Data', (object) => size(object['data'])),
    age,
  ],
  ServiceAccount: [nameColumn, age],
  Namespace: [nameColumn, text('Status', (object) => textAt(object, 'status', 'phase') ?? ''), age],
  Deployment: [
    nameColumn,
    text('Ready', (object) => `${number(object, 'status', 'readyReplicas')}/${number(object, 'spec', 'replicas')}`),
    count('Up-to-date', (object) => number(object, 'status', 'updatedReplicas')),
    count('Available', (object) => number(object, 'status', 'availableReplicas')),
    age,
    ...podTemplateColumns,
  ],
  ReplicaSet: [
    nameColumn,
    count('Desired', (object) => number(object, 'spec', 'replicas')),
    count('Current', (object) => number(object, 'status', 'replicas')),
    count('Ready', (object) => number(object, 'status', 'readyReplicas')),
    age,
    ...podTemplateColumns,
  ],
  StatefulSet: [
    nameColumn,
    text('Ready', (object) => `${number(object, 'status', 'readyReplicas')}/${number(object, 'spec', 'replicas')}`),
    age,
    ...podTemplateColumns.slice(0, 2),
  ],
  DaemonSet: [
    nameColumn,
    count('Desired', (object) => number(object, 'status', 'desiredNumberScheduled')),
    count('Current', (object) => number(object, 'status', 'currentNumberScheduled')),
    count('Ready', (object) => number(object, 'status', 'numberReady')),
    count('Up-to-date', (object) => number(object, 'status', 'updatedNumberScheduled')),
    count('Available', (object) => number(object, 'status', 'numberAvailable')),
    text('Node Selector', (object) => selectorText(valueAt(object, 'spec', 'template', 'spec', 'nodeSelector'))),
    age,
    ...podTemplateColumns,
  ],
  Pod: [
    nameColumn,
    text('Ready', podReady),
    text('Status', podStatus),
    text('Restarts', () => '0'),
    age,
    text('IP', (object) => textAt(object, 'status', 'podIP') ?? '<none>', 1),
    text('Node', (object) => textAt(object, 'spec', 'nodeName') ?? '<none>', 1),
    text('Nominated Node', () => '<none>', 1),
    text('Readiness Gates', () => '<none>', 1),
  ],
  Service: [
    nameColumn,
    text('Type', (object) => textAt(object, 'spec', 'type') ?? ''),
    text('Cluster-IP', (object) => textAt(object, 'spec', 'clusterIP') ?? '<none>'),
    text('External-IP', () => '<none>'),
    text('Port(s)', servicePorts),
    age,
    text('Selector', (object) => selectorText(valueAt(object, 'spec', 'selector')), 1),
  ],
  Event: [
    text('Last Seen', (object) => ageOf(object['lastTimestamp'] ?? object.metadata.creationTimestamp)),
    text('Type', (object) => object['type'] ?? ''),
    text('Reason', (object) => object['reason'] ?? ''),
    text(
      'Object',
      (object) =>
        `${textAt(object, 'involvedObject', 'kind')?.toLowerCase()}/${textAt(object, 'involvedObject', 'name')}`,
    ),
    text('Subobject', () => '', 1),
    text('Source', (object) => textAt(object, 'source', 'component') ?? '', 1),
    text('Message', (object) => String(object['message'] ?? '').trim()),
    text('First Seen', (object) => ageOf(object['firstTimestamp'] ?? object.metadata.creationTimestamp), 1),
    { ...count('Count', (object) => object['count'] ?? 1), priority: 1 },
    { ...nameColumn, priority: 1 },
  ],
  CustomResourceDefinition: [nameColumn, text('Created At', ({ metadata }) => metadata.creationTimestamp)],
  Lease: [nameColumn, text('Holder', (object) => textAt(object, 'spec', 'holderIdentity') ?? ''), age],
};

function podReady(object: KubeObject): string {
  const statuses = valueAt(object, 'status', 'containerStatuses');
  const list = Array.isArray(statuses) ? statuses : [];
  const total = valueAt(object, 'spec', 'containers');
  return `${list.filter((status) => valueAt(status, 'ready') === true).length}/${Array.isArray(total) ? total.length : 0}`;
}

function podStatus(object: KubeObject): string {
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const statuses = valueAt(object, 'status', 'containerStatuses');
  for (const status of Array.isArray(statuses) ? statuses : []) {
    const reason = textAt(status, 'state', 'waiting', 'reason') ?? textAt(status, 'state', 'terminated', 'reason');
    if (reason !== undefined) return reason;
  }
  return textAt(object, 'status', 'phase') ?? '';
}

function servicePorts(object: KubeObject): string {
  const ports = valueAt(object, 'spec', 'ports');
  if (!Array.isArray(ports) || ports.length === 0) return '<none>';
  return ports.map((port) => `${valueAt(port, 'port')}/${textAt(port, 'protocol') ?? 'TCP'}`).join(',');
}
