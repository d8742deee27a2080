import type { Resource, ResourceRegistry } from './resources.ts';
import { apiVersionOf } from './resources.ts';

interface GroupVersions {
  name: string;
  versions: string[];
}

/** The API groups in the order of the real server: the core group apart, versions newest first. */
export function groupsOf(registry: ResourceRegistry): GroupVersions[] {
  const groups = new Map<string, Set<string>>();
  for (const { group, version } of registry.all()) {
    if (group === '') continue;
    const versions = groups.get(group) ?? new Set();
    groups.set(group, versions.add(version));
  }
  return [...groups].map(([name, versions]) => ({ name, versions: [...versions].sort(byPriority) }));
}

/** v2 before v1, v1 before v1beta2 (Kubernetes' version priority). */
function byPriority(a: string, b: string): number {
  const rank = (version: string) => {
    const [, major = '0', stage = '', minor = '0'] = /^v(\d+)(alpha|beta)?(\d+)?$/.exec(version) ?? [];
    return [stage === '' ? 2 : stage === 'beta' ? 1 : 0, Number(major), Number(minor)] as const;
  };
  const [x, y] = [rank(a), rank(b)];
  return y[0] - x[0] || y[1] - x[1] || y[2] - x[2];
}

export function apiVersions(): Record<string, unknown> {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

export function apiGroup({ name, versions }: GroupVersions): Record<string, unknown> {
  const listed = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: listed, preferredVersion: listed[0] };
}

export function apiGroupList(registry: ResourceRegistry): Record<string, unknown> {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(registry).map(apiGroup) };
}

export function apiResourceList(
  registry: ResourceRegistry,
  group: string,
  version: string,
): Record<string, unknown> | undefined {
  const resources = registry.all().filter((resource) => resource.group === group && resource.version === version);
  if (resources.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: resources.flatMap((resource) => [
      legacyEntry(resource),
      ...subresourcesOf(resource).map((sub) => ({
        name: `${resource.plural}/${sub.name}`,
        singularName: '',
        namespaced: resource.namespaced,
        ...sub.kind,
        verbs: sub.verbs,
      })),
    ]),
  };
}

function legacyEntry(resource: Resource): Record<string, unknown> {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = resource;
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
}

interface Subresource {
  name: string;
  kind: { group?: string; version?: string; kind: string };
  verbs: string[];
}

function subresourcesOf({ kind, subresources }: Resource): Subresource[] {
  return subresources.flatMap((name): Subresource[] => {
    if (name === 'status') return [{ name, kind: { kind }, verbs: ['get', 'patch', 'update'] }];
    if (name === 'scale')
      return [
        { name, kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: ['get', 'patch', 'update'] },
      ];
    if (name === 'token')
      return [
        { name, kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' }, verbs: ['create'] },
      ];
    return [];
  });
}

/** `apidiscovery.k8s.io/v2`, the form that kubectl asks for first. */
export function aggregatedDiscovery(registry: ResourceRegistry, core: boolean): Record<string, unknown> {
  const groups = core ? [{ name: '', versions: ['v1'] }] : groupsOf(registry);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: { name, creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        freshness: 'Current',
        resources: registry
          .all()
          .filter((resource) => resource.group === name && resource.version === version)
          .map(aggregatedEntry),
      })),
    })),
  };
}

function aggregatedEntry(resource: Resource): Record<string, unknown> {
  const { group, version, kind, plural, singular, namespaced, verbs, shortNames, categories } = resource;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    subresources: subresourcesOf(resource).map((sub) => ({
      subresource: sub.name,
      responseKind: { group: sub.kind.group ?? group, version: sub.kind.version ?? version, kind: sub.kind.kind },
      verbs: sub.verbs,
    })),
  };
}
