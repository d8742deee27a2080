import type { Controller } from '../../runtime/controller.ts';
import { reconcileSource } from '../source/reconcile-source.ts';
import { sourceApiVersion, sourceControllerName } from '../source/source-object.ts';
import { type OciRepositoryDeps, ociRepositoryKind } from './reconcile.ts';

/** The controller of OCIRepository objects: resolves, verifies, pulls, stores. */
export function createOciRepositoryController(deps: OciRepositoryDeps): Controller {
  const kind = ociRepositoryKind(deps);
  return {
    name: sourceControllerName,
    kind: { apiVersion: sourceApiVersion, kind: 'OCIRepository' },
    concurrency: deps.concurrency ?? 4,
    reconcile: (key, context) => reconcileSource(kind, key, deps, context),
  };
}
