import { valueAt } from '../../../base/json.ts';
import { forbidden, notFound, StatusError } from '../errors/status-error.ts';
import type { AdmissionRequest, Cluster } from '../kinds/cluster.ts';

const kept = new Set(['default', 'kube-system', 'kube-public']);

/** Objects need a namespace that exists and is not going away; three namespaces cannot be deleted. */
export function namespaceLifecycle(cluster: Cluster, request: AdmissionRequest): void {
  const { operation, resource, namespace, name } = request;
  if (resource.storage === '/namespaces') {
    if (operation === 'DELETE' && kept.has(name)) {
      throw forbidden({ group: '', resource: 'namespaces' }, name, 'this namespace may not be deleted');
    }
    return;
  }
  if (operation !== 'CREATE' || !resource.namespaced) return;
  const found = cluster.store.get('/namespaces', '', namespace);
  if (found === undefined) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  if (found.metadata.deletionTimestamp === undefined && valueAt(found, 'status', 'phase') !== 'Terminating') return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const refusal = forbidden({ group: resource.group, resource: resource.plural }, name, why);
  const message = `namespace ${namespace} is being terminated`;
  const causes = [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }];
  throw new StatusError(403, 'Forbidden', refusal.message, { ...refusal.details, causes });
}
