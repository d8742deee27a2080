import { isRecord, listAt, textAt, valueAt } from '../../base/json.ts';
import type { KubeObject, ObjectKey } from '../../base/kube-object.ts';
import type { Facts } from '../doctor/rule.ts';
import type { ClusterReader } from './reader.ts';

const roleAnnotation = 'eks.amazonaws.com/role-arn';

/**
 * What can be seen of a controller's AWS identity: its ServiceAccount's annotation, and what its running pod got of it. The
 * names are those of spec/failure-codes.md, "Context keys".
 */
export async function identityFacts(reader: ClusterReader, controller: ObjectKey): Promise<Facts> {
  const pod = newestPod(await reader.list({ apiVersion: 'v1', kind: 'Pod' }), controller);
  const account = textAt(pod, 'spec', 'serviceAccountName') ?? controller.name;
  const serviceAccount = await reader.get({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    namespace: controller.namespace,
    name: account,
  });
  if (serviceAccount === undefined) return { controller_sa: `${controller.namespace}/${account}` };
  const annotations = serviceAccount.metadata.annotations ?? {};
  const role = annotations[roleAnnotation];
  const facts: Record<string, unknown> = {
    controller_sa: `${controller.namespace}/${account}`,
    sa_role_arn_annotation: role ?? null,
    sa_annotations: annotations,
  };
  // A role on the ServiceAccount says what was meant; its absence says nothing of the intent.
  if (role !== undefined) facts['identity_design'] = 'irsa';
  if (pod !== undefined) Object.assign(facts, podFacts(pod, serviceAccount));
  return facts;
}

function podFacts(pod: KubeObject, serviceAccount: KubeObject): Facts {
  const env = (name: string) => environmentOf(pod).get(name);
  const annotatedAt = annotationTime(serviceAccount);
  const createdAt = pod.metadata.creationTimestamp;
  const facts: Record<string, unknown> = {
    pod_namespace: pod.metadata.namespace,
    pod_env_aws_role_arn: env('AWS_ROLE_ARN') !== undefined,
    pod_env_aws_region: env('AWS_REGION') ?? false,
    pod_env_container_credentials_uri: env('AWS_CONTAINER_CREDENTIALS_FULL_URI') !== undefined,
    pod_fs_group: valueAt(pod, 'spec', 'securityContext', 'fsGroup') ?? null,
    token_volume_mounted: volumeNames(pod).includes('aws-iam-token'),
  };
  if (env('AWS_CONTAINER_CREDENTIALS_FULL_URI') !== undefined) facts['identity_design'] = 'pod-identity';
  if (annotatedAt !== undefined && createdAt !== undefined) {
    facts['pod_older_than_annotation'] = Date.parse(createdAt) < Date.parse(annotatedAt);
  }
  return facts;
}

/** The controller's youngest pod, by the label that Flux's and Millrace's Deployments have. */
function newestPod(pods: KubeObject[], { namespace, name }: ObjectKey): KubeObject | undefined {
  return pods
    .filter((pod) => pod.metadata.namespace === namespace && pod.metadata.labels?.['app'] === name)
    .sort((a, b) => (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''))[0];
}

function environmentOf(pod: KubeObject): Map<string, string> {
  const variables = new Map<string, string>();
  for (const container of listAt(pod, 'spec', 'containers')) {
    for (const variable of listAt(container, 'env')) {
      const name = textAt(variable, 'name');
      if (name !== undefined) variables.set(name, textAt(variable, 'value') ?? '');
    }
  }
  return variables;
}

function volumeNames(pod: KubeObject): string[] {
  return listAt(pod, 'spec', 'volumes').flatMap((volume) => textAt(volume, 'name') ?? []);
}

/** When the role annotation was last written, by the manager that owns it. */
function annotationTime(serviceAccount: KubeObject): string | undefined {
  const owner = serviceAccount.metadata.managedFields?.find((entry) => {
    const fields = valueAt(entry.fieldsV1, 'f:metadata', 'f:annotations');
    return isRecord(fields) && `f:${roleAnnotation}` in fields;
  });
  return owner?.time;
}
