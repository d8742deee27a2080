import type { Controller, Watch } from '../../runtime/controller.ts';
import { reconcileSource } from '../source/reconcile-source.ts';
import { sourceApiVersion, sourceControllerName } from '../source/source-object.ts';
import { type GitRepositoryDeps, gitRepositoryKind } from './reconcile.ts';
import { afterInclude, afterPush, includesIndex, includesOf } from './wakes.ts';

/** The controller of GitRepository objects: fetches, verifies, stores. `concurrency` bounds the git processes. */
export function createGitRepositoryController(deps: GitRepositoryDeps): Controller {
  const kind = gitRepositoryKind(deps);
  return {
    name: sourceControllerName,
    kind: { apiVersion: sourceApiVersion, kind: 'GitRepository' },
    watches: [afterPush as Watch, afterInclude as Watch],
    indexes: { [includesIndex]: includesOf },
    concurrency: deps.concurrency ?? 4,
    reconcile: (key, context) => reconcileSource(kind, key, deps, context),
  };
}
