import { isRecord } from '../base/json.ts';
import { buildError } from './build-error.ts';
import { podSpecPaths, updateAt } from './field-walk.ts';
import { type KustomizationFile, recordsField, stringMapField, textField } from './kustomization-file.ts';
import { isNamespaced, type Resource } from './resource.ts';

type StringMap = Record<string, string>;

const merge = (added: StringMap) => (value: unknown) => ({ ...(isRecord(value) ? value : {}), ...added });

/** Kinds that a name prefix or suffix leaves alone. */
const fixedNames = new Set(['CustomResourceDefinition', 'APIService', 'Namespace']);

export function addNameAffixes(resources: readonly Resource[], file: KustomizationFile): void {
  const [prefix, suffix] = [textField(file, 'namePrefix'), textField(file, 'nameSuffix')];
  if (prefix === '' && suffix === '') return;
  for (const resource of resources) {
    if (!fixedNames.has(resource.object.kind)) rename(resource, `${prefix}${resource.object.metadata.name}${suffix}`);
  }
}

export function rename(resource: Resource, name: string): void {
  if (resource.object.metadata.name === name) return;
  resource.names.push(name);
  resource.object.metadata.name = name;
}

/** Puts namespaced objects, the subjects of bindings and a Namespace itself into the namespace. */
export function setNamespace(resources: readonly Resource[], file: KustomizationFile): void {
  const namespace = textField(file, 'namespace');
  if (namespace === '') return;
  for (const resource of resources) {
    const { object } = resource;
    if (object.kind === 'Namespace' && object.apiVersion === 'v1') rename(resource, namespace);
    else if (isNamespaced(object)) object.metadata.namespace = namespace;
    if (object.kind === 'RoleBinding' || object.kind === 'ClusterRoleBinding')
      moveSubjects(object, resources, namespace);
  }
}

function moveSubjects(binding: Record<string, unknown>, resources: readonly Resource[], namespace: string): void {
  const subjects = binding['subjects'];
  for (const subject of Array.isArray(subjects) ? subjects.filter(isRecord) : []) {
    if (subject['kind'] !== 'ServiceAccount') continue;
    const isOurs = resources.some(
      ({ object, names }) => object.kind === 'ServiceAccount' && names.includes(String(subject['name'])),
    );
    if (isOurs || subject['name'] === 'default') subject['namespace'] = namespace;
  }
}

export function addAnnotations(resources: readonly Resource[], file: KustomizationFile): void {
  const annotations = stringMapField(file, 'commonAnnotations');
  if (Object.keys(annotations).length === 0) return;
  for (const { object } of resources) {
    for (const path of [
      'metadata/annotations!',
      ...templateMetadata(object.kind).map((base) => `${base}/annotations!`),
    ]) {
      updateAt(object, path, merge(annotations));
    }
  }
}

export function addLabels(resources: readonly Resource[], file: KustomizationFile): void {
  const common = stringMapField(file, 'commonLabels');
  if (Object.keys(common).length > 0) label(resources, common, { selectors: true, templates: true });
  for (const entry of recordsField(file, 'labels')) {
    const pairs = entry['pairs'];
    if (!isRecord(pairs)) throw buildError(file.path, "an entry of 'labels' has no 'pairs'");
    const selectors = entry['includeSelectors'] === true;
    label(resources, pairs as StringMap, { selectors, templates: selectors || entry['includeTemplates'] === true });
  }
}

function label(
  resources: readonly Resource[],
  labels: StringMap,
  scope: { selectors: boolean; templates: boolean },
): void {
  for (const { object } of resources) {
    const paths = ['metadata/labels!'];
    if (scope.templates) paths.push(...templateMetadata(object.kind).map((base) => `${base}/labels!`));
    if (scope.selectors) paths.push(...(selectorPaths[object.kind] ?? []));
    for (const path of paths) updateAt(object, path, merge(labels));
  }
}

/** The metadata of the pod templates of a kind. */
function templateMetadata(kind: string): string[] {
  const podSpec = podSpecPaths[kind];
  if (podSpec === undefined || kind === 'Pod') return [];
  return [podSpec.replace(/spec$/, 'metadata'), ...(kind === 'CronJob' ? ['spec/jobTemplate/metadata'] : [])];
}

/** Where label selectors are; a Job selects by a label of its own. */
const selectorPaths: Readonly<Record<string, readonly string[]>> = {
  Service: ['spec/selector!'],
  ReplicationController: ['spec/selector!'],
  Deployment: ['spec/selector/matchLabels!'],
  ReplicaSet: ['spec/selector/matchLabels!'],
  DaemonSet: ['spec/selector/matchLabels!'],
  StatefulSet: ['spec/selector/matchLabels!'],
  PodDisruptionBudget: ['spec/selector/matchLabels'],
  NetworkPolicy: ['spec/podSelector/matchLabels'],
  Job: ['spec/selector/matchLabels'],
};
