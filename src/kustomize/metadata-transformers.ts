import { isRecord } from '../base/json.ts';
import { groupOf, type KubeObject } from '../base/kube-object.ts';
import { buildError } from './build-error.ts';
import { metadataLabelSpecs } from './default-field-specs.ts';
import { type FieldSpec, specMatches, updateFields } from './field-spec.ts';
import { formatId, idOf, isNamespaced, type Resource } from './resource.ts';
import type { TransformerConfig } from './transformer-config.ts';

type StringMap = Readonly<Record<string, unknown>>;

/** Kinds that a name prefix or suffix leaves alone. */
function hasFixedName(resource: Resource): boolean {
  const { originalKind: kind, object } = resource;
  return (
    kind === 'CustomResourceDefinition' ||
    kind === 'Namespace' ||
    (kind === 'APIService' && groupOf(object.apiVersion) === 'apiregistration.k8s.io')
  );
}

export function addPrefix(resources: readonly Resource[], prefix: string, specs: readonly FieldSpec[]): void {
  if (prefix !== '') affix(resources, specs, 'prefixes', prefix);
}

export function addSuffix(resources: readonly Resource[], suffix: string, specs: readonly FieldSpec[]): void {
  if (suffix !== '') affix(resources, specs, 'suffixes', suffix);
}

function affix(
  resources: readonly Resource[],
  specs: readonly FieldSpec[],
  side: 'prefixes' | 'suffixes',
  text: string,
): void {
  const change = (value: unknown) => (side === 'prefixes' ? `${text}${String(value)}` : `${String(value)}${text}`);
  for (const resource of resources) {
    for (const spec of specs) {
      if (!specMatches(spec, resource.object)) continue;
      if (spec.path === 'metadata/name') {
        if (hasFixedName(resource)) continue;
        resource[side].push(text);
      }
      updateFields(resource.object, [spec], change);
      recordName(resource);
    }
  }
}

/** Remembers the name that the object has got. */
export function recordName(resource: Resource): void {
  const { name, namespace = '' } = resource.object.metadata;
  if (!resource.names.includes(name)) resource.names.push(name);
  if (!resource.namespaces.includes(namespace)) resource.namespaces.push(namespace);
}

export function rename(resource: Resource, name: string): void {
  resource.object.metadata.name = name;
  recordName(resource);
}

export interface NamespaceOptions {
  namespace: string;
  unsetOnly?: boolean;
  setRoleBindingSubjects?: string;
  specs: readonly FieldSpec[];
}

/** Puts namespaced objects, the subjects of bindings and a Namespace itself into the namespace. */
export function setNamespace(resources: readonly Resource[], options: NamespaceOptions, where: string): void {
  const { namespace, unsetOnly, specs } = options;
  if (namespace === '') return;
  const set = (value: unknown) =>
    unsetOnly === true && value !== undefined && value !== null && value !== '' ? value : namespace;
  for (const resource of resources) {
    const { object } = resource;
    if (isNamespaced(object)) {
      const next = set(object.metadata.namespace);
      object.metadata.namespace = next as string;
    }
    updateFields(
      object,
      specs.filter(
        (spec) => spec.path !== 'metadata/namespace' && (spec.kind !== 'Namespace' || object.apiVersion === 'v1'),
      ),
      set,
    );
    moveSubjects(object, options, set);
    recordName(resource);
  }
  const seen = new Set<string>();
  for (const resource of resources) {
    const id = idOf(resource);
    if (seen.has(id)) throw buildError(where, `namespace transformation produces ID conflict: ${formatId(resource)}`);
    seen.add(id);
  }
}

function moveSubjects(object: KubeObject, options: NamespaceOptions, set: (value: unknown) => unknown): void {
  const mode = options.setRoleBindingSubjects ?? 'defaultOnly';
  if (mode === 'none' || (object.kind !== 'RoleBinding' && object.kind !== 'ClusterRoleBinding')) return;
  const subjects = object['subjects'];
  for (const subject of Array.isArray(subjects) ? subjects.filter(isRecord) : []) {
    if (subject['kind'] !== 'ServiceAccount') continue;
    if (mode === 'allServiceAccounts' || subject['name'] === 'default')
      subject['namespace'] = set(subject['namespace']);
  }
}

/** Adds pairs to the maps at the places. */
export function addPairs(resources: readonly Resource[], pairs: StringMap, specs: readonly FieldSpec[]): void {
  if (Object.keys(pairs).length === 0) return;
  const texts = Object.fromEntries(Object.entries(pairs).map(([key, value]) => [key, String(value)]));
  for (const { object } of resources) {
    updateFields(object, specs, (value) => ({ ...(isRecord(value) ? value : {}), ...texts }));
  }
}

/** An entry of `labels`. */
export function addLabelEntry(
  resources: readonly Resource[],
  entry: Record<string, unknown>,
  config: TransformerConfig,
  where: string,
): void {
  const pairs = entry['pairs'];
  if (!isRecord(pairs)) throw buildError(where, "an entry of 'labels' has no 'pairs'");
  const own = Array.isArray(entry['fields']) ? (entry['fields'] as FieldSpec[]) : [];
  let specs = metadataLabelSpecs;
  if (entry['includeSelectors'] === true) specs = config.commonLabels;
  else if (entry['includeTemplates'] === true) specs = [...metadataLabelSpecs, ...config.templateLabels];
  addPairs(resources, pairs, [...specs, ...config.labels, ...own]);
}
