import type { Controller } from '../../runtime/controller.ts';
import { reconcileSource } from '../source/reconcile-source.ts';
import { sourceApiVersion, sourceControllerName } from '../source/source-object.ts';
import { type BucketDeps, bucketKind } from './reconcile.ts';

/** The controller of Bucket objects: lists, fetches what is new, stores. */
export function createBucketController(deps: BucketDeps): Controller {
  const kind = bucketKind(deps);
  return {
    name: sourceControllerName,
    kind: { apiVersion: sourceApiVersion, kind: 'Bucket' },
    concurrency: deps.concurrency ?? 4,
    reconcile: (key, context) => reconcileSource(kind, key, deps, context),
  };
}
