import { refOf } from '../../apply/apply-objects.ts';
import { isRecord, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import type { KubeClient } from '../../kube/client.ts';
import { operatorName } from './deps.ts';

const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };

export interface MigrationOptions {
  client: KubeClient;
  /** Also where the stored versions say that nothing is left to do. */
  force: boolean;
  logger: Logger;
  signal: AbortSignal;
}

/**
 * Rewrites objects that are stored in a version which is not the storage version any more, so that the old one can go. Faults
 * are logged: an installation is not broken by them.
 */
export async function migrateResources(options: MigrationOptions): Promise<void> {
  const { client, signal, logger } = options;
  const { items } = await client.list(definition, { labelSelector: 'app.kubernetes.io/part-of=flux', signal });
  for (const crd of items) {
    try {
      await migrate(crd, options);
    } catch (error) {
      signal.throwIfAborted();
      logger.warn('failed to migrate resources to the latest storage version', { crd: crd.metadata.name, error });
    }
  }
}

async function migrate(crd: KubeObject, { client, force, signal }: MigrationOptions): Promise<void> {
  const versions = valueAt(crd, 'spec', 'versions');
  const stored = valueAt(crd, 'status', 'storedVersions');
  const storage = Array.isArray(versions)
    ? versions.find((version) => isRecord(version) && version['storage'] === true)
    : undefined;
  if (storage === undefined || !Array.isArray(stored)) return;
  if (!force && stored.length === 1 && stored[0] === storage.name) return;
  const kind = {
    apiVersion: `${valueAt(crd, 'spec', 'group')}/${storage.name}`,
    kind: String(valueAt(crd, 'spec', 'names', 'kind')),
  };
  const options = { fieldManager: operatorName, signal };
  // An empty patch makes the server read an object and store it anew.
  for (const object of (await client.list(kind, { signal })).items)
    await client.patch(refOf(object), 'merge', {}, options);
  const status = { storedVersions: [storage.name] };
  await client.patch(refOf(crd), 'merge', { status }, { ...options, subresource: 'status' });
}
