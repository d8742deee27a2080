import { valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { badRequest } from '../errors/status-error.ts';
import type { Resource } from '../kinds/resource.ts';
import { parseLabelSelector, type Requirement } from './label-selector.ts';

export type ObjectFilter = (object: KubeObject) => boolean;

/** The filter that a label selector of a query makes. Throws 400. */
export function labelFilter(
  selector: string | null,
): ((labels: Record<string, string> | undefined) => boolean) | undefined {
  if (selector === null || selector.trim() === '') return undefined;
  const requirements = parseLabelSelector(selector);
  return (labels) => requirements.every((requirement) => meets(requirement, labels?.[requirement.key]));
}

function meets({ operator, values }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'in':
      return value !== undefined && values.includes(value);
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'lt':
      return value !== undefined && Number(value) < Number(values[0]);
  }
}

/** Whether labels meet a `metav1.LabelSelector`; an empty one selects everything, an absent one nothing. */
export function matchesLabelSelector(selector: unknown, labels: Record<string, string> | undefined): boolean {
  if (selector === undefined || selector === null) return false;
  const matchLabels = (valueAt(selector, 'matchLabels') ?? {}) as Record<string, string>;
  const expressions = (valueAt(selector, 'matchExpressions') ?? []) as {
    key: string;
    operator: string;
    values?: string[];
  }[];
  const operators: Record<string, Requirement['operator']> = {
    In: 'in',
    NotIn: 'notin',
    Exists: 'exists',
    DoesNotExist: 'absent',
  };
  return (
    Object.entries(matchLabels).every(([key, value]) => labels?.[key] === value) &&
    expressions.every(({ key, operator, values = [] }) =>
      meets({ key, operator: operators[operator] ?? 'exists', values }, labels?.[key]),
    )
  );
}

const fieldsByStorage: Readonly<Record<string, readonly string[]>> = {
  '/pods': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  '/events': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  '/secrets': ['type'],
  '/namespaces': ['status.phase'],
  '/nodes': ['spec.unschedulable'],
  '/services': ['spec.clusterIP', 'spec.type'],
  '/replicationcontrollers': ['status.replicas'],
  'apps/replicasets': ['status.replicas'],
  'batch/jobs': ['status.successful'],
  'certificates.k8s.io/certificatesigningrequests': ['spec.signerName'],
};

/** Parses a field selector; only the fields that the kind supports may be named. Throws 400. */
export function fieldFilter(resource: Resource, selector: string | null): ObjectFilter | undefined {
  if (selector === null || selector.trim() === '') return undefined;
  const tests = selector.split(',').map((part) => {
    const match = /^([^!=]+?)\s*(==|=|!=)\s*(.*)$/.exec(part.trim());
    if (match === null) throw badRequest(`invalid selector: '${selector}'; can't understand '${part}'`);
    const [, field = '', operator, value = ''] = match;
    checkField(resource, field);
    return { path: pathOf(resource, field), wanted: value, equal: operator !== '!=' };
  });
  return (object) => tests.every(({ path, wanted, equal }) => (textAt(object, path) === wanted) === equal);
}

function checkField(resource: Resource, field: string): void {
  if (field === 'metadata.name' || (field === 'metadata.namespace' && resource.namespaced)) return;
  const known = [...(fieldsByStorage[resource.storage] ?? []), ...(resource.selectableFields ?? [])];
  if (known.includes(field)) return;
  if (fieldsByStorage[resource.storage] !== undefined) throw badRequest(`field label not supported: ${field}`);
  throw badRequest(
    `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}

function pathOf(resource: Resource, field: string): string[] {
  if (resource.storage === '/events' && field === 'source') return ['source', 'component'];
  if (resource.storage === '/events' && field.startsWith('involvedObject') && resource.group !== '') {
    return ['regarding', ...field.split('.').slice(1)];
  }
  return field.split('.');
}

function textAt(object: KubeObject, path: readonly string[]): string {
  const value = valueAt(object, ...path);
  if (value === undefined || value === null)
    return path.at(-1) === 'hostNetwork' || path.at(-1) === 'unschedulable' ? 'false' : '';
  return String(value);
}
