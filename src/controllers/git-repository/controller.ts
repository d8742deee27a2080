import type { Controller } from '../../runtime/controller.ts';
import { reconcileSource } from '../source/reconcile-source.ts';
import { sourceApiVersion, sourceControllerName } from '../source/source-object.ts';
import { type GitRepositoryDeps, gitRepositoryKind } from './reconcile.ts';

/** The controller of GitRepository objects: fetches, verifies, stores. `concurrency` bounds the git processes. */
export function createGitRepositoryController(deps: GitRepositoryDeps): Controller {
  const kind = gitRepositoryKind(deps);
  return {
    name: sourceControllerName,
    kind: { apiVersion: sourceApiVersion, kind: 'GitRepository' },
    concurrency: deps.concurrency ?? 4,
    reconcile: (key, context) => reconcileSource(kind, key, deps, context),
  };
}
