import { isRecord, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import type { AdmissionRequest } from '../kinds/cluster.ts';
import type { Store } from '../storage/store.ts';

const prefix = 'eks.amazonaws.com';
const folder = '/var/run/secrets/eks.amazonaws.com/serviceaccount';
const volumeName = 'aws-iam-token';

type Fields = Record<string, unknown>;

/**
 * What the EKS pod identity webhook does to a pod whose ServiceAccount is annotated with a role (spec/provisioning.md §6): role,
 * token file and region as variables, and the projected token as a volume.
 */
export function podIdentity(store: Store, region: string, request: AdmissionRequest): void {
  const { object, operation, resource, subresource } = request;
  const spec = object?.['spec'];
  if (operation !== 'CREATE' || resource.storage !== '/pods' || subresource !== '') return;
  if (object === undefined || !isRecord(spec)) return;
  const account = accountOf(store, object, spec);
  const role = account?.metadata.annotations?.[`${prefix}/role-arn`];
  const isSkipped = object.metadata.labels?.[`${prefix}/skip-pod-identity-webhook`] !== undefined;
  if (account === undefined || role === undefined || isSkipped) return;
  request.object = { ...object, spec: injected(object, spec, account, role, region) };
}

function accountOf(store: Store, pod: KubeObject, spec: Fields): KubeObject | undefined {
  const name = typeof spec['serviceAccountName'] === 'string' ? spec['serviceAccountName'] : 'default';
  return store.get('/serviceaccounts', pod.metadata.namespace ?? '', name);
}

function injected(pod: KubeObject, spec: Fields, account: KubeObject, role: string, region: string): Fields {
  const annotations = account.metadata.annotations ?? {};
  const skipped = (pod.metadata.annotations?.[`${prefix}/skip-containers`] ?? '').split(',').map((name) => name.trim());
  const mutate = (containers: unknown) =>
    Array.isArray(containers)
      ? containers.map((container) =>
          isRecord(container) && !skipped.includes(String(container['name']))
            ? withIdentity(container, role, region)
            : container,
        )
      : containers;
  const projection = {
    audience: annotations[`${prefix}/audience`] ?? 'sts.amazonaws.com',
    expirationSeconds: expiration(pod.metadata.annotations, annotations),
    path: 'token',
  };
  const volume = { name: volumeName, projected: { defaultMode: 420, sources: [{ serviceAccountToken: projection }] } };
  const volumes = valueAt(spec, 'volumes');
  return {
    ...spec,
    containers: mutate(spec['containers']),
    ...(spec['initContainers'] === undefined ? {} : { initContainers: mutate(spec['initContainers']) }),
    volumes: [volume, ...(Array.isArray(volumes) ? volumes : [])],
  };
}

function expiration(ofPod: Record<string, string> | undefined, ofAccount: Record<string, string>): number {
  const seconds = Number(ofPod?.[`${prefix}/token-expiration`] ?? ofAccount[`${prefix}/token-expiration`] ?? 86_400);
  return Number.isInteger(seconds) ? Math.max(600, seconds) : 86_400;
}

function withIdentity(container: Fields, role: string, region: string): Fields {
  const given = Array.isArray(container['env']) ? container['env'].filter(isRecord) : [];
  const has = (...names: string[]) => given.some((variable) => names.includes(String(variable['name'])));
  const added = [
    ...(has('AWS_STS_REGIONAL_ENDPOINTS') ? [] : [{ name: 'AWS_STS_REGIONAL_ENDPOINTS', value: 'regional' }]),
    ...(has('AWS_REGION', 'AWS_DEFAULT_REGION')
      ? []
      : [
          { name: 'AWS_DEFAULT_REGION', value: region },
          { name: 'AWS_REGION', value: region },
        ]),
    ...(has('AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE')
      ? []
      : [
          { name: 'AWS_ROLE_ARN', value: role },
          { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: `${folder}/token` },
        ]),
  ];
  const mounts = Array.isArray(container['volumeMounts']) ? container['volumeMounts'] : [];
  return {
    ...container,
    env: [...given, ...added],
    volumeMounts: [...mounts, { name: volumeName, mountPath: folder, readOnly: true }],
  };
}
