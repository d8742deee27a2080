import type { Resource } from './resource.ts';

/** Which resources are served: built-in ones for good, custom ones as their definitions come and go. */
export interface Registry {
  /** Sets what is served under an owner (`builtin`, or the name of a CustomResourceDefinition). */
  set(owner: string, resources: readonly Resource[]): void;
  remove(owner: string): void;
  find(group: string, version: string, plural: string): Resource | undefined;
  byKind(group: string, version: string, kind: string): Resource | undefined;
  /** The resource that is stored as `storage`, in its first served version. */
  byStorage(storage: string): Resource | undefined;
  /** Resources of a group version in order of appearance. */
  ofVersion(group: string, version: string): readonly Resource[];
  /** Groups with their versions, the preferred one first. */
  groups(): readonly { group: string; versions: readonly string[] }[];
  all(): readonly Resource[];
  /** Changes whenever the set of resources does. */
  revision(): number;
}

export function createRegistry(): Registry {
  const owners = new Map<string, readonly Resource[]>();
  let byPath = new Map<string, Resource>();
  let byKind = new Map<string, Resource>();
  let byStorage = new Map<string, Resource>();
  let all: Resource[] = [];
  let revision = 0;

  const rebuild = () => {
    revision++;
    all = [...owners.values()].flat();
    byPath = new Map(all.map((resource) => [`${resource.group}/${resource.version}/${resource.plural}`, resource]));
    byKind = new Map(all.map((resource) => [`${resource.group}/${resource.version}/${resource.kind}`, resource]));
    byStorage = new Map();
    for (const resource of all) if (!byStorage.has(resource.storage)) byStorage.set(resource.storage, resource);
  };

  return {
    set(owner, resources) {
      owners.set(owner, resources);
      rebuild();
    },
    remove(owner) {
      if (owners.delete(owner)) rebuild();
    },
    find: (group, version, plural) => byPath.get(`${group}/${version}/${plural}`),
    byKind: (group, version, kind) => byKind.get(`${group}/${version}/${kind}`),
    byStorage: (storage) => byStorage.get(storage),
    ofVersion: (group, version) => all.filter((one) => one.group === group && one.version === version),
    groups() {
      const versions = new Map<string, Set<string>>();
      for (const { group, version } of all) {
        const known = versions.get(group);
        if (known === undefined) versions.set(group, new Set([version]));
        else known.add(version);
      }
      return [...versions].map(([group, known]) => ({ group, versions: [...known].sort(compareVersions) }));
    },
    all: () => all,
    revision: () => revision,
  };
}

/** Kubernetes' order of versions, the preferred first: v2, v1, v1beta2, v1beta1, v1alpha1, then anything else by name. */
export function compareVersions(a: string, b: string): number {
  const rank = (version: string): [number, number, number] | undefined => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (match === null) return undefined;
    const stage = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
    return [stage, Number(match[1]), Number(match[3] ?? 0)];
  };
  const left = rank(a);
  const right = rank(b);
  if (left === undefined || right === undefined) {
    return left === right ? (a < b ? -1 : 1) : left === undefined ? 1 : -1;
  }
  return right[0] - left[0] || right[1] - left[1] || right[2] - left[2];
}
