import { formatRef, type KubeObject } from '../base/kube-object.ts';

export type Action = 'created' | 'configured' | 'unchanged' | 'skipped' | 'deleted';

/** What was done to an object. */
export interface Change {
  object: KubeObject;
  action: Action;
  /** JSON pointers of what differed in the cluster, of configured objects. */
  drift?: readonly string[];
  /** Fields of the manifest that were left out because its kind does not have them. */
  undeclared?: readonly string[];
}

/** One line per object that was touched: `Deployment/apps/web configured` (spec/kustomization.md §8.3). */
export function formatChanges(changes: readonly Change[]): string {
  return changes
    .filter(({ action }) => action !== 'unchanged')
    .map(({ object, action }) => `${formatRef(object)} ${action}`)
    .join('\n');
}
