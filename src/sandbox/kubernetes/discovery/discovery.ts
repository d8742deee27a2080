import type { Registry } from '../kinds/registry.ts';
import type { Resource } from '../kinds/resource.ts';

/** Discovery documents, legacy and aggregated. */

const anywhere = [{ clientCIDR: '0.0.0.0/0', serverAddress: '' }];

export function coreVersions(address: string): unknown {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ ...anywhere[0], serverAddress: address }],
  };
}

export function groupList(registry: Registry): unknown {
  const groups = registry.groups().filter(({ group }) => group !== '');
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groups.map(({ group, versions }) => groupBody(group, versions)),
  };
}

/** One group; undefined where nothing of it is served. */
export function groupDocument(registry: Registry, name: string): unknown {
  const known = registry.groups().find(({ group }) => group === name);
  return known && { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(known.group, known.versions) };
}

function groupBody(group: string, versions: readonly string[]): Record<string, unknown> {
  const entries = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
}

interface SubresourceType {
  kind: string;
  group?: string;
  version?: string;
  verbs: string[];
}

/** Kinds and verbs of subresources that differ from the object's own. */
const subresourceTypes: Readonly<Record<string, SubresourceType>> = {
  scale: { kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] },
  token: { kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] },
  eviction: { kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
  binding: { kind: 'Binding', verbs: ['create'] },
  log: { kind: 'Pod', verbs: ['get'] },
  exec: { kind: 'PodExecOptions', verbs: ['create', 'get'] },
  attach: { kind: 'PodAttachOptions', verbs: ['create', 'get'] },
  portforward: { kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
  finalize: { kind: 'Namespace', verbs: ['update'] },
};

const proxyVerbs = ['create', 'delete', 'get', 'patch', 'update'];

function subresourceType(resource: Resource, name: string): SubresourceType {
  if (name === 'proxy') return { kind: `${resource.kind}ProxyOptions`, verbs: proxyVerbs };
  return subresourceTypes[name] ?? { kind: resource.kind, verbs: ['get', 'patch', 'update'] };
}

/** `GET /apis/group/version`; undefined where nothing of it is served. */
export function resourceList(registry: Registry, group: string, version: string): unknown {
  const resources = registry.ofVersion(group, version);
  if (resources.length === 0) return undefined;
  const groupVersion = group === '' ? version : `${group}/${version}`;
  return {
    kind: 'APIResourceList',
    ...(group !== '' && { apiVersion: 'v1' }),
    groupVersion,
    resources: resources.flatMap(entries),
  };
}

function entries(resource: Resource): unknown[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = resource;
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs,
      ...(shortNames.length > 0 && { shortNames }),
      ...(categories.length > 0 && { categories }),
      ...(verbs.includes('list') && { storageVersionHash: storageHash(resource) }),
    },
    ...resource.subresources.map((name) => {
      const { verbs: subVerbs, ...type } = subresourceType(resource, name);
      return { name: `${plural}/${name}`, singularName: '', namespaced, ...type, verbs: subVerbs };
    }),
  ];
}

function storageHash({ storage, kind }: Resource): string {
  return Buffer.from(`${storage}${kind}`).subarray(0, 8).toString('base64');
}

/** `apidiscovery.k8s.io/v2 APIGroupDiscoveryList` of the core group, or of all others. */
export function aggregated(registry: Registry, core: boolean): unknown {
  const groups = registry.groups().filter(({ group }) => (group === '') === core);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: { ...(group !== '' && { name: group }), creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        freshness: 'Current',
        resources: registry.ofVersion(group, version).map(aggregatedEntry),
      })),
    })),
  };
}

function aggregatedEntry(resource: Resource): unknown {
  const { group, version, kind, plural, singular, namespaced, verbs, shortNames, categories, subresources } = resource;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.map((name) => {
        const type = subresourceType(resource, name);
        return {
          subresource: name,
          responseKind: { group: type.group ?? group, version: type.version ?? version, kind: type.kind },
          verbs: type.verbs,
        };
      }),
    }),
  };
}
