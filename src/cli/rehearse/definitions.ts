import { builtinKinds } from '../../api/builtin/builtin-kinds.ts';
import { crds } from '../../api/crds.ts';
import { textAt, valueAt } from '../../base/json.ts';
import { groupOf, type KubeObject, versionOf } from '../../base/kube-object.ts';
import { definedKinds, type TreeManifests } from './manifests.ts';

/** A kind that the tree uses and does not define. */
export interface ForeignKind {
  group: string;
  kind: string;
  versions: string[];
  scope: 'Namespaced' | 'Cluster';
}

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** Kinds that come from outside of the tree: from Helm charts and from whoever made the cluster. */
export function foreignKinds(read: TreeManifests): ForeignKind[] {
  const defined = definedKinds(read);
  const ours = new Set(crds().map((crd) => `${textAt(crd, 'spec', 'names', 'kind')}.${textAt(crd, 'spec', 'group')}`));
  // In whatever version: that one is no longer served is for the API server to say.
  const builtin = new Set(builtinKinds().map(({ apiVersion, kind }) => `${kind}.${groupOf(apiVersion)}`));
  const found = new Map<string, ForeignKind>();
  for (const { object } of read.manifests) {
    const group = groupOf(object.apiVersion);
    const name = `${object.kind}.${group}`;
    if (!group.includes('.') || notApplied.has(group)) continue;
    if (builtin.has(name) || defined.has(name) || ours.has(name)) continue;
    const version = versionOf(object.apiVersion);
    const known = found.get(name);
    if (known === undefined) found.set(name, { group, kind: object.kind, versions: [version], scope: scopeOf(object) });
    else if (!known.versions.includes(version)) known.versions.push(version);
  }
  return [...found.values()];
}

/** Files of kustomize and the like, which look like objects and never reach a cluster. */
const notApplied = new Set(['kustomize.config.k8s.io', 'config.kubernetes.io', 'helm.config.k8s.io']);

/** Nothing of the tree says it; names do, by and large. */
function scopeOf({ kind }: KubeObject): ForeignKind['scope'] {
  return kind.startsWith('Cluster') || clusterKinds.has(kind) ? 'Cluster' : 'Namespaced';
}

const clusterKinds = new Set([
  ...['NodePool', 'EC2NodeClass', 'NodeClaim', 'Provisioner', 'AWSNodeTemplate', 'IngressClassParams'],
  ...['GatewayClass', 'ENIConfig', 'Composition', 'CompositeResourceDefinition', 'ProviderRevision'],
]);

/** A definition that takes every object of the kind. */
export function openDefinition({ group, kind, versions, scope }: ForeignKind): KubeObject {
  const singular = kind.toLowerCase();
  const plural = pluralOf(singular);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // Groups of Kubernetes itself are protected; this definition is of the rehearsal alone.
      ...(group.endsWith('.k8s.io') && { annotations: { 'api-approved.kubernetes.io': 'unapproved, a rehearsal' } }),
    },
    spec: {
      group,
      scope,
      names: { kind, listKind: `${kind}List`, plural, singular },
      versions: versions.map((name, index) => openVersion(name, index === 0)),
    },
  };
}

function openVersion(name: string, storage: boolean) {
  return { name, served: true, storage, schema: { openAPIV3Schema: anything }, subresources: { status: {} } };
}

function pluralOf(singular: string): string {
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return /(s|x|ch|sh)$/.test(singular) ? `${singular}es` : `${singular}s`;
}

/** The definitions of Millrace's own kinds, by name, serving the versions that the tree uses as well. */
export function ownDefinitions(read: TreeManifests): Map<string, KubeObject> {
  return new Map(
    crds().map((crd) => {
      const [group, kind] = [textAt(crd, 'spec', 'group'), textAt(crd, 'spec', 'names', 'kind')];
      const versions = valueAt(crd, 'spec', 'versions');
      const served = Array.isArray(versions) ? versions : [];
      const names = new Set(served.map((version) => textAt(version, 'name')));
      const used = read.manifests
        .filter(({ object }) => object.kind === kind && groupOf(object.apiVersion) === group)
        .map(({ object }) => versionOf(object.apiVersion));
      const missing = [...new Set(used)].filter((version) => !names.has(version));
      const spec = {
        ...(crd['spec'] as object),
        versions: [...served, ...missing.map((name) => openVersion(name, false))],
      };
      return [crd.metadata.name, { ...crd, spec }];
    }),
  );
}
