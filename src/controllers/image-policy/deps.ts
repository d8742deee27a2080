import type { RegistryAccess } from '../image/registry-access.ts';
import type { ImageDeps } from '../image/run.ts';
import type { TagStore } from '../image/tag-store.ts';

export interface ImagePolicyDeps extends ImageDeps {
  /** For the digests of chosen tags. */
  registries: RegistryAccess;
  /** What the controller of ImageRepositories has scanned. */
  tags: TagStore;
  objectLevelWorkloadIdentity: boolean;
  /** Refuse ImageRepositories of other namespaces. */
  noCrossNamespaceRefs: boolean;
  /** Wait for tags that are not there yet, in milliseconds. Default 30 seconds. */
  requeueDependencyMs?: number;
  concurrency?: number;
}
