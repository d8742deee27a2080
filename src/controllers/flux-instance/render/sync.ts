import { kindRef } from '../../../api/kind.ts';
import { Kustomization } from '../../../api/kustomization.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import type { Settings } from '../settings.ts';

/** The name that the source and the Kustomization of an instance share: as `flux bootstrap` calls them. */
export function syncName({ namespace, spec }: Pick<Settings, 'namespace' | 'spec'>): string {
  return spec.sync?.name || namespace;
}

/** What the instance synchronises first: one source and one Kustomization (spec/instance.md §5.6). */
export function syncObjectsOf(settings: Settings): KubeObject[] {
  const { spec, cluster } = settings;
  if (spec.sync === undefined) return [];
  const { kind, url, ref, path, pullSecret = '', provider = '', interval } = spec.sync;
  const metadata = { name: syncName(settings) };
  const place =
    kind === 'GitRepository'
      ? { url, ref: { name: ref } }
      : kind === 'OCIRepository'
        ? { url, ref: { tag: ref } }
        : { endpoint: url, bucketName: ref };
  return [
    {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind,
      metadata: { ...metadata },
      spec: {
        interval,
        ...place,
        ...(pullSecret !== '' && { secretRef: { name: pullSecret } }),
        ...(provider !== '' && { provider }),
      },
    },
    {
      ...kindRef(Kustomization),
      metadata: { ...metadata },
      spec: {
        interval: '10m0s',
        path,
        prune: true,
        sourceRef: { kind, name: metadata.name },
        ...(cluster.multitenant && { serviceAccountName: 'kustomize-controller' }),
      },
    },
  ];
}
