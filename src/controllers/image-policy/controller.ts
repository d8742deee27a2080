import { ImagePolicy } from '../../api/image-policy.ts';
import { ImageRepository } from '../../api/image-repository.ts';
import { kindRef } from '../../api/kind.ts';
import { formatKey, type KubeObject, keyOf, type ObjectKey } from '../../base/kube-object.ts';
import { getCondition } from '../../runtime/conditions.ts';
import type { Change, Controller, ObjectCache } from '../../runtime/controller.ts';
import { reconcileImageKind } from '../image/run.ts';
import { reflectorName } from '../image-repository/controller.ts';
import type { ImagePolicyDeps } from './deps.ts';
import { repositoryKey, resolvePolicy } from './reconcile.ts';

/** Chooses a tag of a scanned image (spec/image.md §4). */
export function createImagePolicyController(deps: ImagePolicyDeps): Controller {
  const kind = kindRef(ImagePolicy);
  return {
    name: reflectorName,
    kind,
    concurrency: deps.concurrency ?? 4,
    indexes: { repository: (object) => [formatKey(repositoryKey(object as ImagePolicy))] },
    watches: [
      { kind: kindRef(ImageRepository), wakes: (change, own) => policiesToWake(change as RepositoryChange, own) },
    ],
    reconcile: (key, context) =>
      reconcileImageKind<ImagePolicy>(
        { kind, component: reflectorName, answersWhileSuspended: true, work: (run) => resolvePolicy(run, deps) },
        key,
        deps,
        context,
      ),
  };
}

type RepositoryChange = Change<ImageRepository>;

/**
 * A repository that came, went or has other tags wakes its policies (spec/image.md §4.3). One that was scanned again with
 * the same tags wakes those that still wait for tags: otherwise they would sit out their delay after a restart.
 */
function policiesToWake({ before, after }: RepositoryChange, own: ObjectCache): ObjectKey[] {
  const repository = after ?? before;
  if (repository === undefined) return [];
  const policies = own.by('repository', formatKey(keyOf(repository)));
  const isOther = before === undefined || after === undefined || revisionOf(before) !== revisionOf(after);
  if (isOther) return policies.map(keyOf);
  const wasScanned = before.status?.lastScanResult?.scanTime !== after.status?.lastScanResult?.scanTime;
  return wasScanned ? policies.filter(isWaiting).map(keyOf) : [];
}

function revisionOf(repository: ImageRepository): string | undefined {
  return repository.status?.lastScanResult?.revision;
}

function isWaiting(policy: KubeObject): boolean {
  return getCondition(policy, 'Ready')?.reason === 'DependencyNotReady';
}
