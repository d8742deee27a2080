import { crds } from '../api/crds.ts';
import { GitRepository } from '../api/git-repository.ts';
import { kindRef } from '../api/kind.ts';
import { Kustomization } from '../api/kustomization.ts';
import type { KubeObject } from '../base/kube-object.ts';
import type { AwsModel } from './aws-model.ts';
import { controllerObjects } from './controller-objects.ts';
import type { Installation } from './installation.ts';

/** What must exist in the cluster, in the order in which it is applied: annotations before anything that needs them runs. */
export function clusterModelOf(installation: Installation, aws: AwsModel): KubeObject[] {
  const { namespace } = installation;
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    ...crds(),
    ...controllerObjects(namespace, installation.topology ?? 'single', aws.role.arn),
    gitSecret(installation),
    ...syncObjects(installation),
  ];
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

/** The source and the Kustomization that the rest of the cluster comes from, named after their namespace, as Flux's. */
function syncObjects({ namespace, git }: Installation): KubeObject[] {
  return [
    {
      ...kindRef(GitRepository),
      metadata: { name: namespace, namespace },
      spec: { interval: '1m0s', url: git.url, ref: { branch: git.branch }, secretRef: { name: git.secretName } },
    },
    {
      ...kindRef(Kustomization),
      metadata: { name: namespace, namespace },
      spec: { interval: '10m0s', path: git.path, prune: true, sourceRef: { kind: 'GitRepository', name: namespace } },
    },
  ];
}
