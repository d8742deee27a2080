import { formatTime } from '../../../base/clock.ts';
import { isRecord, textAt, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import type { Cluster } from './cluster.ts';
import type { Stand } from './loop.ts';

/** Serves what CRDs define, and marks them established. */
export function crdStand(cluster: Cluster): Stand {
  return {
    kind: 'CustomResourceDefinition',
    reconcile: (crd, before) => {
      if (crd === undefined) {
        if (before !== undefined) retire(cluster, before);
        return;
      }
      cluster.registry.addCrd(crd);
      if (valueAt(crd, 'status', 'acceptedNames', 'kind') !== valueAt(crd, 'spec', 'names', 'kind')) {
        cluster.setStatus(crd, establishedStatus(crd), 'kube-apiserver');
      }
    },
  };
}

/** The objects of a kind that is no longer defined go with it. */
function retire(cluster: Cluster, crd: KubeObject): void {
  const resource = `${textAt(crd, 'spec', 'group')}:${textAt(crd, 'spec', 'names', 'plural')}`;
  for (const object of cluster.store.list(resource)) {
    cluster.store.delete(`${resource}/${object.metadata.namespace ?? ''}/${object.metadata.name}`);
  }
  cluster.registry.removeCrd(crd);
}

function establishedStatus(crd: KubeObject): Record<string, unknown> {
  const versions = valueAt(crd, 'spec', 'versions');
  const stored = (Array.isArray(versions) ? versions : []).filter(
    (version) => isRecord(version) && version['storage'] === true,
  );
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime: formatTime(Date.now()),
  });
  return {
    acceptedNames: valueAt(crd, 'spec', 'names'),
    storedVersions: stored.map((version) => textAt(version, 'name')),
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
  };
}
