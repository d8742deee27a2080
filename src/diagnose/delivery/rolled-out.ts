import { valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';

/** Whether all replicas of a Deployment or StatefulSet are of its present template and available. */
export function isRolledOut(workload: KubeObject): boolean {
  const replicas = valueAt(workload, 'spec', 'replicas') ?? 1;
  const status = (field: string) => valueAt(workload, 'status', field);
  return (
    status('observedGeneration') === workload.metadata.generation &&
    ['replicas', 'updatedReplicas', 'availableReplicas'].every((field) => (status(field) ?? 0) === replicas)
  );
}
