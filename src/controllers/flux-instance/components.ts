import type { FluxInstance } from '../../api/flux-instance.ts';
import { isRecord, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { FluxInstanceDeps } from './deps.ts';

/** The one image that all components run. */
export function imageOf({ spec }: FluxInstance, { image, version }: FluxInstanceDeps): string {
  return image ?? `${spec.distribution.registry.replace(/\/+$/, '')}/millrace:${version}`;
}

type Component = NonNullable<NonNullable<FluxInstance['status']>['components']>[number];

/** What runs, as the rendered Deployments say: a patch may have given one of them another image. */
export function imagesOf(objects: readonly KubeObject[]): Component[] {
  return objects
    .filter(({ kind }) => kind === 'Deployment')
    .flatMap((deployment) => {
      const containers = valueAt(deployment, 'spec', 'template', 'spec', 'containers');
      const manager = Array.isArray(containers)
        ? containers.find((one) => isRecord(one) && one['name'] === 'manager')
        : undefined;
      const image = valueAt(manager, 'image');
      return typeof image === 'string' ? [{ name: deployment.metadata.name, ...splitImage(image) }] : [];
    });
}

function splitImage(image: string): Omit<Component, 'name'> {
  const [named = '', digest] = image.split('@');
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const [repository, tag] = colon < 0 ? [named, ''] : [named.slice(0, colon), named.slice(colon + 1)];
  return { repository, tag, ...(digest !== undefined && { digest }) };
}
