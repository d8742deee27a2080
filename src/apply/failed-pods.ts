import { isRecord, textAt, valueAt } from '../base/json.ts';
import { groupOf, type KindRef, type KubeObject } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { isKubeReason } from '../kube/status-error.ts';
import { isUnschedulable, statusOf } from './kstatus.ts';

const pods: KindRef = { apiVersion: 'v1', kind: 'Pod' };
const replicaSets: KindRef = { apiVersion: 'apps/v1', kind: 'ReplicaSet' };
const revision = 'deployment.kubernetes.io/revision';

/**
 * Names of the pods that hold a Deployment, StatefulSet or ReplicaSet up because they have failed: of a Deployment only those of
 * its newest ReplicaSet. Pods that are going, or that wait for a node, are no failure (spec/kustomization.md §11.1). Empty where
 * pods may not be listed.
 */
export async function failedPods(workload: KubeObject, client: KubeClient, signal: AbortSignal): Promise<string[]> {
  if (groupOf(workload.apiVersion) !== 'apps' || workload.kind === 'DaemonSet') return [];
  const labelSelector = formatSelector(valueAt(workload, 'spec', 'selector'));
  const { namespace } = workload.metadata;
  if (labelSelector === '' || namespace === undefined) return [];
  const selection = { namespace, labelSelector, signal };
  try {
    const owner = workload.kind === 'Deployment' ? await newestReplicaSet(workload, client, selection) : workload;
    if (owner === undefined) return [];
    const { items } = await client.list(pods, selection);
    return items.filter((pod) => isOwned(pod, owner) && hasFailed(pod)).map(({ metadata }) => metadata.name);
  } catch (error) {
    if (isKubeReason(error, 'Forbidden')) return [];
    throw error;
  }
}

function hasFailed(pod: KubeObject): boolean {
  return statusOf(pod).status === 'Failed' && !isUnschedulable(pod);
}

async function newestReplicaSet(
  deployment: KubeObject,
  client: KubeClient,
  selection: { namespace: string; labelSelector: string; signal: AbortSignal },
): Promise<KubeObject | undefined> {
  const wanted = deployment.metadata.annotations?.[revision];
  const { items } = await client.list(replicaSets, selection);
  return items.find((set) => isOwned(set, deployment) && set.metadata.annotations?.[revision] === wanted);
}

function isOwned({ metadata }: KubeObject, owner: KubeObject): boolean {
  return (metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata.uid);
}

/** A `metav1.LabelSelector` as the query parameter has it. */
function formatSelector(selector: unknown): string {
  const labels = valueAt(selector, 'matchLabels');
  const expressions = valueAt(selector, 'matchExpressions');
  const parts = Object.entries(isRecord(labels) ? labels : {}).map(([key, value]) => `${key}=${String(value)}`);
  for (const expression of Array.isArray(expressions) ? expressions : []) {
    const key = textAt(expression, 'key') ?? '';
    const found = valueAt(expression, 'values');
    const values = Array.isArray(found) ? found.join(',') : '';
    const forms: Record<string, string> = {
      In: `${key} in (${values})`,
      NotIn: `${key} notin (${values})`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    parts.push(forms[textAt(expression, 'operator') ?? ''] ?? key);
  }
  return parts.join(',');
}
