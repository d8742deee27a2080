import type { ImagePolicy } from '../../api/image-policy.ts';
import { ImageRepository } from '../../api/image-repository.ts';
import { kindRef } from '../../api/kind.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Fault } from '../image/fault.ts';

export interface AccessOptions {
  client: KubeClient;
  noCrossNamespaceRefs: boolean;
  signal: AbortSignal;
}

const prefix = 'failed to get the referred ImageRepository: ';

/**
 * The ImageRepository that a policy refers to, if the policy may (spec/image.md §4.4 step 4). Throws Fault with reason
 * AccessDenied or DependencyNotReady.
 */
export async function getRepository(
  policy: ImagePolicy,
  key: ObjectKey,
  options: AccessOptions,
): Promise<ImageRepository> {
  const { client, signal } = options;
  const namespace = policy.metadata.namespace ?? '';
  const name = `${key.namespace}/${key.name}`;
  if (key.namespace !== namespace && options.noCrossNamespaceRefs) {
    const message = `cannot access 'ImageRepository/${name}', cross-namespace references have been blocked`;
    throw new Fault('AccessDenied', prefix + message);
  }
  const repository = await client.get<ImageRepository>({ ...kindRef(ImageRepository), ...key }, { signal });
  if (repository === undefined) {
    const answer = `imagerepositories.image.toolkit.fluxcd.io "${key.name}" not found`;
    throw new Fault('DependencyNotReady', `${prefix}referenced ImageRepository does not exist: ${answer}`);
  }
  if (key.namespace === namespace) return repository;
  const { accessFrom } = repository.spec;
  if (accessFrom === undefined) {
    const message = `access denied: '${name}' can't be accessed due to missing ACL labels on 'accessFrom'`;
    throw new Fault('AccessDenied', prefix + message);
  }
  const labels = await namespaceLabels(client, namespace, signal);
  if (!accessFrom.namespaceSelectors.some(({ matchLabels = {} }) => matches(matchLabels, labels))) {
    const message = `access denied: '${name}' can't be accessed due to ACL labels mismatch on namespace '${namespace}'`;
    throw new Fault('AccessDenied', prefix + message);
  }
  return repository;
}

async function namespaceLabels(client: KubeClient, name: string, signal: AbortSignal): Promise<Record<string, string>> {
  const namespace = await client.get({ apiVersion: 'v1', kind: 'Namespace', name }, { signal });
  return namespace?.metadata.labels ?? {};
}

function matches(wanted: Record<string, string>, labels: Record<string, string>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
