import { RE2JS } from 're2js';
import { groupOf, type KubeObject, versionOf } from '../../../base/kube-object.ts';

interface UserPatch {
  patch: string;
  target?: Partial<Record<'group' | 'version' | 'kind' | 'name' | 'namespace', string>> | undefined;
}

/**
 * The patches whose target names no rendered object: they would do nothing and nobody would know (a `namespace` in the target
 * is the usual cause, as manifests get theirs later). Each as `spec.kustomize.patches[1] (ServiceAccount/x)`.
 */
export function patchesWithoutTarget(patches: readonly UserPatch[], objects: readonly KubeObject[]): string[] {
  return patches.flatMap(({ target }, index) => {
    if (target === undefined || objects.some((object) => isMeant(object, target))) return [];
    const { kind = '*', name = '*', namespace } = target;
    const cause = namespace === undefined ? '' : '; leave target.namespace out, manifests have none yet';
    return [`spec.kustomize.patches[${index}] (${kind}/${name}) matches no object${cause}`];
  });
}

function isMeant({ apiVersion, kind, metadata }: KubeObject, target: NonNullable<UserPatch['target']>): boolean {
  return (
    matches(target.group, groupOf(apiVersion)) &&
    matches(target.version, versionOf(apiVersion)) &&
    matches(target.kind, kind) &&
    matches(target.name, metadata.name) &&
    matches(target.namespace, metadata.namespace ?? '')
  );
}

/** Anchored, as kustomize reads them. */
function matches(pattern: string | undefined, value: string): boolean {
  return pattern === undefined || pattern === '' || RE2JS.compile(`^(?:${pattern})$`).matcher(value).find();
}
