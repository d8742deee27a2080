import type { GitRepository } from '../../api/git-repository.ts';
import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { type KubeObject, keyOf, type ObjectKey } from '../../base/kube-object.ts';
import type { Change, ObjectCache, Watch } from '../../runtime/controller.ts';
import { sourceApiVersion } from '../source/source-object.ts';

export const includesIndex = 'includes';

/** The repositories that a GitRepository includes, as `namespace/name`. */
export function includesOf(object: KubeObject): string[] {
  const { spec, metadata } = object as GitRepository;
  return (spec.include ?? []).map(({ repository }) => `${metadata.namespace ?? ''}/${repository.name}`);
}

/** A push of the image automation is fetched at once, not at the next interval. */
export const afterPush: Watch<ImageUpdateAutomation> = {
  kind: { apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageUpdateAutomation' },
  wakes({ before, after }) {
    const pushed = after?.status?.lastPushCommit;
    if (after === undefined || before === undefined || pushed === undefined) return [];
    if (pushed === before.status?.lastPushCommit) return [];
    const { name, namespace } = after.spec.sourceRef;
    return [{ namespace: namespace ?? after.metadata.namespace ?? '', name }];
  },
};

/** A new artifact of an included repository is taken up at once; the reference waits for the interval. */
export const afterInclude: Watch<GitRepository> = {
  kind: { apiVersion: sourceApiVersion, kind: 'GitRepository' },
  wakes({ before, after }: Change<GitRepository>, own: ObjectCache): ObjectKey[] {
    if (after === undefined || after.status?.artifact?.revision === before?.status?.artifact?.revision) return [];
    const { namespace, name } = keyOf(after);
    return own.by(includesIndex, `${namespace}/${name}`).map(keyOf);
  },
};
