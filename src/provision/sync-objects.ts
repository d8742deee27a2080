import { GitRepository } from '../api/git-repository.ts';
import { kindRef } from '../api/kind.ts';
import { Kustomization } from '../api/kustomization.ts';

/** What the sync objects take from elsewhere: texts, or expressions that Terraform resolves. */
export interface SyncPlaces<T> {
  namespace: T;
  url: T;
  ref: { branch: T } | { name: T };
  /** Folder that the cluster is synchronised from. */
  path: T;
  secretName: T;
  interval: string;
}

/** The source and the Kustomization that the rest of the cluster comes from, named after their namespace, as Flux's. */
export function syncObjects<T>({ namespace, url, ref, path, secretName, interval }: SyncPlaces<T>) {
  const metadata = { name: namespace, namespace };
  return [
    { ...kindRef(GitRepository), metadata, spec: { interval, url, ref, secretRef: { name: secretName } } },
    {
      ...kindRef(Kustomization),
      metadata,
      spec: { interval: '10m0s', path, prune: true, sourceRef: { kind: 'GitRepository', name: namespace } },
    },
  ];
}
