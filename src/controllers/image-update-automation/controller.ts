import { GitRepository } from '../../api/git-repository.ts';
import { ImagePolicy } from '../../api/image-policy.ts';
import { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { kindRef } from '../../api/kind.ts';
import { deepEqual } from '../../base/json.ts';
import { formatKey, keyOf, type ObjectKey } from '../../base/kube-object.ts';
import type { Change, Controller, ObjectCache } from '../../runtime/controller.ts';
import { reconcileImageKind } from '../image/run.ts';
import type { ImageUpdateAutomationDeps } from './deps.ts';
import { automationComponent } from './names.ts';
import { furtherNamespaces } from './policies.ts';
import { createAutomation } from './reconcile.ts';
import { sourceKey } from './source.ts';

/** Commits what policies have chosen (spec/image.md §6). */
export function createImageUpdateAutomationController(deps: ImageUpdateAutomationDeps): Controller {
  const kind = kindRef(ImageUpdateAutomation);
  const automation = createAutomation(deps);
  return {
    name: automationComponent,
    kind,
    concurrency: deps.concurrency ?? 4,
    indexes: {
      source: (object) => [formatKey(sourceKey(object as ImageUpdateAutomation))],
      reaches: (object) => furtherNamespaces(object as ImageUpdateAutomation, deps.noCrossNamespaceRefs),
      namespace: ({ metadata }) => [metadata.namespace ?? ''],
    },
    watches: [
      { kind: kindRef(GitRepository), wakes: automationsOfSource },
      { kind: kindRef(ImagePolicy), wakes: (change, own) => automationsOfPolicy(change as Change<ImagePolicy>, own) },
    ],
    reconcile: (key, context) =>
      reconcileImageKind<ImageUpdateAutomation>(
        {
          kind,
          component: automationComponent,
          answersWhileSuspended: false,
          forget: automation.forget,
          work: automation.work,
        },
        key,
        deps,
        context,
      ),
  };
}

/** A changed spec counts, a new commit does not (spec/image.md §6.3). */
function automationsOfSource({ before, after }: Change, own: ObjectCache): ObjectKey[] {
  const source = after ?? before;
  if (source === undefined || before?.metadata.generation === after?.metadata.generation) return [];
  return own.by('source', formatKey(keyOf(source))).map(keyOf);
}

/** A new choice wakes every automation of the namespace, whatever it selects, and those that reach into it. */
function automationsOfPolicy({ before, after }: Change<ImagePolicy>, own: ObjectCache): ObjectKey[] {
  const latest = after?.status?.latestRef;
  if (before === undefined || latest === undefined || deepEqual(before.status?.latestRef, latest)) return [];
  const namespace = after?.metadata.namespace ?? '';
  return [...own.by('namespace', namespace), ...own.by('reaches', namespace), ...own.by('reaches', '*')].map(keyOf);
}
