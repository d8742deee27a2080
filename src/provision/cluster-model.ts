import { crds } from '../api/crds.ts';
import { instanceGroup } from '../api/flux-instance.ts';
import { isRecord } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import type { AwsModel } from './aws-model.ts';
import { controllerObjects } from './controller-objects.ts';
import type { Installation } from './installation.ts';
import { syncObjects } from './sync-objects.ts';

/** What must exist in the cluster, in the order in which it is applied: annotations before anything that needs them runs. */
export function clusterModelOf(installation: Installation, aws: AwsModel): KubeObject[] {
  const { namespace, git } = installation;
  const ownNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  const delivery = (installation.delivery ?? []).map((object) => structuredClone(object));
  if (installation.fluxInstance !== undefined) {
    return [
      ownNamespace,
      gitSecret(installation),
      fluxInstance(installation.fluxInstance, namespace, aws),
      ...delivery,
    ];
  }
  return [
    ownNamespace,
    ...crds(),
    ...controllerObjects(namespace, installation.topology ?? 'single', annotatedRoles(aws)),
    gitSecret(installation),
    ...syncObjects({
      namespace,
      url: git.url,
      ref: git.ref === undefined ? { branch: git.branch } : { name: git.ref },
      path: git.path,
      secretName: git.secretName,
      interval: git.interval ?? '1m0s',
    }),
    ...delivery,
  ];
}

/** ServiceAccount → role; with Pod Identity the association says it, and an annotation would win over it. */
function annotatedRoles({ identity, readers }: AwsModel): Record<string, string> {
  if (identity === 'pod-identity') return {};
  return Object.fromEntries(readers.map(({ serviceAccount, role }) => [serviceAccount, role.arn]));
}

/** The role annotations are patches of the instance, so that they are there before the first pod (spec/instance.md §5.5). */
function fluxInstance(spec: Record<string, unknown>, namespace: string, aws: AwsModel): KubeObject {
  const rolePatches = Object.entries(annotatedRoles(aws)).map(([name, arn]) => ({
    target: { kind: 'ServiceAccount', name },
    patch: JSON.stringify({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, annotations: { 'eks.amazonaws.com/role-arn': arn } },
    }),
  }));
  const given = isRecord(spec['kustomize']) ? spec['kustomize']['patches'] : undefined;
  const patches = [...rolePatches, ...(Array.isArray(given) ? given : [])];
  return {
    apiVersion: `${instanceGroup}/v1`,
    kind: 'FluxInstance',
    metadata: { name: 'flux', namespace },
    spec: { ...spec, ...(patches.length > 0 && { kustomize: { patches } }) },
  };
}

function gitSecret({ namespace, git }: Installation): KubeObject {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: git.secretName, namespace },
    type: 'Opaque',
    data: Object.fromEntries(
      Object.entries(git.secretData ?? { username: git.username, password: git.password }).map(([key, value]) => [
        key,
        encode(value),
      ]),
    ),
  };
}
