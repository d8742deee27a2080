import type { KubeObject } from '../../../base/kube-object.ts';
import { listMetadata } from '../http/list-forms.ts';
import type { Cluster } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import type { ListPage } from '../verbs/list.ts';
import { nameColumn } from './cells.ts';
import type { Column } from './column.ts';
import { builtinColumns } from './other-tables.ts';

const fallback: readonly Column[] = [
  nameColumn,
  { name: 'Created At', type: 'date', cell: ({ metadata }) => metadata.creationTimestamp ?? '<unknown>' },
];

/** A `meta.k8s.io/v1 Table` of objects, as kubectl asks for. */
export function tableOf(
  cluster: Cluster,
  resource: Resource,
  objects: readonly KubeObject[],
  page: ListPage,
  query: URLSearchParams,
): Record<string, unknown> {
  const columns = resource.columns ?? builtinColumns(resource.group, resource.kind) ?? fallback;
  const now = cluster.clock.now();
  const include = query.get('includeObject') ?? 'Metadata';
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: listMetadata(page),
    columnDefinitions: columns.map(({ name, type, format = '', priority = 0, description = '' }) => ({
      name,
      type,
      format,
      description,
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, now) ?? null),
      ...(include !== 'None' && { object: include === 'Object' ? object : partial(object) }),
    })),
  };
}

function partial({ metadata }: KubeObject): Record<string, unknown> {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}
