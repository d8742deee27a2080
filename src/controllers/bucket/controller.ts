import type { Bucket } from '../../api/bucket.ts';
import type { Controller } from '../../runtime/controller.ts';
import type { SummaryRules } from '../../runtime/summary.ts';
import { reconcileSource, type SourceDeps, type SourceKind } from '../source/reconcile-source.ts';
import { SourceFault } from '../source/source-fault.ts';
import { sourceApiVersion, sourceControllerName } from '../source/source-object.ts';

const rules: SummaryRules = {
  order: ['FetchFailed', 'ArtifactInStorage', 'Stalled', 'Reconciling'],
  abnormalTrue: ['FetchFailed', 'Stalled', 'Reconciling'],
};

const message =
  'objects of kind Bucket are not served by this controller; push the content as an OCI artifact (millrace artifact push) and use an OCIRepository, or let Flux run the source controller';

/** Says on every Bucket that nobody serves it, rather than leaving it without a word. */
export function createBucketController(deps: SourceDeps): Controller {
  const kind: SourceKind<Bucket> = {
    kind: 'Bucket',
    rules,
    work: () => Promise.reject(new SourceFault('KindNotServed', message, { kind: 'stalled', condition: 'Stalled' })),
  };
  return {
    name: sourceControllerName,
    kind: { apiVersion: sourceApiVersion, kind: 'Bucket' },
    concurrency: 1,
    reconcile: (key, context) => reconcileSource(kind, key, deps, context),
  };
}
