import { isRecord } from '../base/json.ts';
import { podSpecPaths, updateAt } from './field-walk.ts';
import type { Resource } from './resource.ts';

/** Places in a pod's spec that name an object of a kind. */
const inPodSpecs: Readonly<Record<string, readonly string[]>> = {
  ConfigMap: [
    'volumes/configMap/name',
    'volumes/projected/sources/configMap/name',
    'containers/env/valueFrom/configMapKeyRef/name',
    'containers/envFrom/configMapRef/name',
    'initContainers/env/valueFrom/configMapKeyRef/name',
    'initContainers/envFrom/configMapRef/name',
  ],
  Secret: [
    'volumes/secret/secretName',
    'volumes/projected/sources/secret/name',
    'containers/env/valueFrom/secretKeyRef/name',
    'containers/envFrom/secretRef/name',
    'initContainers/env/valueFrom/secretKeyRef/name',
    'initContainers/envFrom/secretRef/name',
    'imagePullSecrets/name',
  ],
  ServiceAccount: ['serviceAccountName', 'serviceAccount'],
  PersistentVolumeClaim: ['volumes/persistentVolumeClaim/claimName'],
  PriorityClass: ['priorityClassName'],
};

/** Places outside of pods: kind that refers → path → kinds that are meant. */
const elsewhere: readonly { from: string; path: string; to: readonly string[] }[] = [
  { from: 'StatefulSet', path: 'spec/serviceName', to: ['Service'] },
  { from: 'Ingress', path: 'spec/rules/http/paths/backend/service/name', to: ['Service'] },
  { from: 'Ingress', path: 'spec/defaultBackend/service/name', to: ['Service'] },
  { from: 'Ingress', path: 'spec/tls/secretName', to: ['Secret'] },
  {
    from: 'HorizontalPodAutoscaler',
    path: 'spec/scaleTargetRef/name',
    to: ['Deployment', 'StatefulSet', 'ReplicaSet'],
  },
  { from: 'ServiceAccount', path: 'secrets/name', to: ['Secret'] },
  { from: 'ServiceAccount', path: 'imagePullSecrets/name', to: ['Secret'] },
  { from: 'PersistentVolumeClaim', path: 'spec/volumeName', to: ['PersistentVolume'] },
  { from: 'RoleBinding', path: 'roleRef/name', to: ['Role', 'ClusterRole'] },
  { from: 'ClusterRoleBinding', path: 'roleRef/name', to: ['ClusterRole'] },
];

/** Lets what refers to a renamed object follow it. Resources of the same build that had the name at any time are meant. */
export function fixNameReferences(resources: readonly Resource[]): void {
  const renamed = resources.filter(({ names }) => names.length > 1);
  if (renamed.length === 0) return;
  for (const referrer of resources) {
    const podSpec = podSpecPaths[referrer.object.kind];
    for (const [kind, paths] of podSpec === undefined ? [] : Object.entries(inPodSpecs)) {
      for (const path of paths) follow(referrer, `${podSpec}/${path}`, [kind], renamed);
    }
    for (const { from, path, to } of elsewhere) if (from === referrer.object.kind) follow(referrer, path, to, renamed);
    followSubjects(referrer, renamed);
  }
}

function follow(referrer: Resource, path: string, kinds: readonly string[], renamed: readonly Resource[]): void {
  updateAt(referrer.object, path, (name) => {
    const target = typeof name === 'string' ? findTarget(referrer, name, kinds, renamed) : undefined;
    return target?.object.metadata.name ?? name;
  });
}

function findTarget(
  referrer: Resource,
  name: string,
  kinds: readonly string[],
  renamed: readonly Resource[],
): Resource | undefined {
  const candidates = renamed.filter(({ object, names }) => kinds.includes(object.kind) && names.includes(name));
  const namespace = referrer.object.metadata.namespace;
  return (
    candidates.find(({ object }) => object.metadata.namespace === namespace) ??
    (candidates.length === 1 ? candidates[0] : undefined)
  );
}

function followSubjects(referrer: Resource, renamed: readonly Resource[]): void {
  if (!referrer.object.kind.endsWith('RoleBinding')) return;
  updateAt(referrer.object, 'subjects', (subjects) => {
    for (const subject of Array.isArray(subjects) ? subjects.filter(isRecord) : []) {
      if (subject['kind'] !== 'ServiceAccount') continue;
      const account = renamed.find(
        ({ object, names }) => object.kind === 'ServiceAccount' && names.includes(String(subject['name'])),
      );
      if (account !== undefined) subject['name'] = account.object.metadata.name;
    }
    return subjects;
  });
}
