import { isRecord } from '../base/json.ts';
import { buildError } from './build-error.ts';
import { type FieldSpec, setAtPlace, specsFor, visitFields } from './field-spec.ts';
import { placeText } from './names.ts';
import type { Resource } from './resource.ts';
import { formatId, idKey } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';

/** Which subjects of role bindings move: those named `default`, all service accounts, or none. */
export type SubjectMode = 'defaultOnly' | 'allServiceAccounts' | 'none';

export interface NamespaceOptions {
  namespace: string;
  specs: readonly FieldSpec[];
  /** Only what has no namespace gets one. */
  unsetOnly?: boolean;
  setRoleBindingSubjects?: SubjectMode;
}

const bindings = ['RoleBinding', 'ClusterRoleBinding'];
const metadataNamespace: FieldSpec = { path: 'metadata/namespace', create: true };

/** Puts namespaced objects, the subjects of bindings and a Namespace itself into the namespace. */
export function setNamespace(list: ResourceList, options: NamespaceOptions, where: string): void {
  if (options.namespace === '') return;
  for (const resource of list.resources) {
    resource.rememberId();
    moveResource(resource, options);
  }
  list.idsChanged();
  const seen = new Map<string, Resource>();
  for (const resource of list.resources) {
    const key = idKey(resource.id);
    const other = seen.get(key);
    if (other !== undefined)
      throw buildError(
        where,
        `namespace '${options.namespace}' makes two objects of one id: ${formatId(resource.id)} (from ${other.source} and ${resource.source})`,
      );
    seen.set(key, resource);
  }
}

/** Sets the namespace fields of one object. */
export function moveResource(
  resource: Resource,
  { namespace, specs, unsetOnly = false, setRoleBindingSubjects }: NamespaceOptions,
): void {
  const { apiVersion, kind } = resource;
  const isBinding = bindings.includes(kind);
  const applied = specsFor(resource, specs).filter(
    (spec) =>
      spec.path !== 'metadata/namespace' &&
      (spec.path !== 'metadata/name' || apiVersion === 'v1') &&
      !(isBinding && bindings.includes(spec.kind ?? '') && spec.path === 'subjects/namespace'),
  );
  const set = (spec: FieldSpec) =>
    visitFields(resource, spec, { creates: 'scalar' }, (place) => {
      const text = placeText(place, resource, spec);
      const isSet = text !== '' && (place.holder as Record<string | number, unknown>)[place.key] !== null;
      if (!unsetOnly || !isSet) setAtPlace(place, namespace);
    });
  if (!resource.id.isClusterScoped) set(metadataNamespace);
  if (isBinding) moveSubjects(resource, { namespace, unsetOnly, mode: setRoleBindingSubjects ?? 'defaultOnly' });
  for (const spec of applied) set(spec);
}

interface SubjectOptions {
  namespace: string;
  unsetOnly: boolean;
  mode: SubjectMode;
}

function moveSubjects({ object, id, source }: Resource, { namespace, unsetOnly, mode }: SubjectOptions): void {
  const subjects = object['subjects'];
  if (mode === 'none' || subjects === null || subjects === undefined) return;
  if (!Array.isArray(subjects)) throw buildError(source, `the subjects of ${formatId(id)} should be a list`);
  for (const subject of subjects.filter(isRecord)) {
    const moves = mode === 'allServiceAccounts' ? subject['kind'] === 'ServiceAccount' : subject['name'] === 'default';
    const isSet = typeof subject['namespace'] === 'string' && subject['namespace'] !== '';
    if (moves && !(unsetOnly && isSet)) subject['namespace'] = namespace;
  }
}
