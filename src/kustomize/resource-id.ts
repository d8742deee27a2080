import { groupOf, versionOf } from '../base/kube-object.ts';

/** Group, version and kind; '' stands for "any" in a selector. */
export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** How a build tells resources apart. */
export interface ResourceId extends GroupVersionKind {
  name: string;
  namespace: string;
  /** Known to be in no namespace. */
  isClusterScoped: boolean;
}

/** The namespace in ids of resources that are in none. */
export const noNamespace = '_non_namespaceable_';
const defaultNamespace = 'default';

export function gvkOf(apiVersion: string, kind: string): GroupVersionKind {
  return { group: apiVersion.includes('/') ? groupOf(apiVersion) : '', version: versionOf(apiVersion), kind };
}

/** A missing namespace and `default` are one. */
export function effectiveNamespace({
  namespace,
  isClusterScoped,
}: Pick<ResourceId, 'namespace' | 'isClusterScoped'>): string {
  if (isClusterScoped) return noNamespace;
  return namespace === '' ? defaultNamespace : namespace;
}

/** The same text for ids that are equal. */
export function idKey(id: ResourceId): string {
  return `${id.group}\0${id.version}\0${id.kind}\0${effectiveNamespace(id)}\0${id.name}`;
}

/** Whether the fields that the selector has are those of the other. */
export function isSelectedBy(gvk: GroupVersionKind, selector: Partial<GroupVersionKind>): boolean {
  return (
    (!selector.kind || selector.kind === gvk.kind) &&
    (!selector.group || selector.group === gvk.group) &&
    (!selector.version || selector.version === gvk.version)
  );
}

/** `Kind.version.group/name.namespace`: how kustomize writes an id in messages. */
export function formatId({ group, version, kind, name, namespace }: Omit<ResourceId, 'isClusterScoped'>): string {
  const or = (text: string, missing: string) => (text === '' ? missing : text);
  const gvk = `${or(kind, '[noKind]')}.${or(version, '[noVer]')}.${or(group, '[noGrp]')}`;
  return `${gvk}/${or(name, '[noName]')}.${or(namespace, '[noNs]')}`;
}
