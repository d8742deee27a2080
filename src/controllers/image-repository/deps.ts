import type { RegistryAccess } from '../image/registry-access.ts';
import type { ImageDeps } from '../image/run.ts';
import type { TagStore } from '../image/tag-store.ts';

export interface ImageRepositoryDeps extends ImageDeps {
  registries: RegistryAccess;
  /** Shared with the controller of ImagePolicies. */
  tags: TagStore;
  /** Whether `serviceAccountName` may give an object an identity of its own at a cloud provider. */
  objectLevelWorkloadIdentity: boolean;
  /** Objects reconciled side by side. Default 4. */
  concurrency?: number;
}
