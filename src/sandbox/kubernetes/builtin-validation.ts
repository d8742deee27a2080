import { deepEqual, isRecord, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { type FieldFault, forbiddenField, invalidValue, required } from './status.ts';

type Fields = Record<string, unknown>;

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const labelKey = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const keyRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const valueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const configKeyRule =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/** Kinds whose names may hold what other names may not. */
const freeNames = new Set(['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding']);

/** The metadata of any object. */
export function metadataFaults({ kind, metadata }: KubeObject): FieldFault[] {
  const faults: FieldFault[] = [];
  if (kind === 'Namespace' || kind === 'Service') {
    if (!label.test(metadata.name) || metadata.name.length > 63)
      faults.push(invalidValue('metadata.name', metadata.name, labelRule));
  } else if (!freeNames.has(kind) && !subdomain.test(metadata.name)) {
    faults.push(invalidValue('metadata.name', metadata.name, subdomainRule));
  }
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (!labelKey.test(key.slice(key.indexOf('/') + 1))) faults.push(invalidValue('metadata.labels', key, keyRule));
    if (!labelValue.test(value) || value.length > 63) faults.push(invalidValue('metadata.labels', value, valueRule));
  }
  for (const key of Object.keys(metadata.annotations ?? {})) {
    if (!labelKey.test(key.slice(key.indexOf('/') + 1)))
      faults.push(invalidValue('metadata.annotations', key, keyRule));
  }
  return faults;
}

/** The rules of the built-in kinds that deliveries run into. */
export function builtinFaults(object: KubeObject, before: KubeObject | undefined): FieldFault[] {
  const spec = isRecord(object['spec']) ? object['spec'] : {};
  const oldSpec = isRecord(before?.['spec']) ? before['spec'] : undefined;
  return byKind[object.kind]?.({ object, before, spec, oldSpec }) ?? [];
}

interface Input {
  object: KubeObject;
  before: KubeObject | undefined;
  spec: Fields;
  oldSpec: Fields | undefined;
}

const byKind: Record<string, (input: Input) => FieldFault[]> = {
  ConfigMap: dataFaults,
  Secret: (input) => [...dataFaults(input), ...base64Faults(input.object)],
  Deployment: (input) => [...workloadFaults(input), ...immutable(input, 'selector')],
  ReplicaSet: (input) => [...workloadFaults(input), ...immutable(input, 'selector')],
  DaemonSet: (input) => [...workloadFaults(input), ...immutable(input, 'selector')],
  StatefulSet: (input) => [...workloadFaults(input), ...statefulSetFaults(input)],
  Job: (input) => [...templateFaults(input.spec), ...immutable(input, 'template', 'completions', 'completionMode')],
  Pod: ({ spec }) => containerFaults(spec, 'spec'),
  Service: serviceFaults,
  RoleBinding: roleRefFaults,
  ClusterRoleBinding: roleRefFaults,
};

function dataFaults({ object, before }: Input): FieldFault[] {
  const faults: FieldFault[] = [];
  for (const field of ['data', 'binaryData']) {
    const data = object[field];
    for (const key of isRecord(data) ? Object.keys(data) : []) {
      if (!/^[-._a-zA-Z0-9]+$/.test(key)) faults.push(invalidValue(`${field}[${key}]`, key, configKeyRule));
    }
  }
  if (before?.['immutable'] === true) {
    const message = 'field is immutable when `immutable` is set';
    if (object['immutable'] !== true) faults.push(forbiddenField('immutable', message));
    for (const field of ['data', 'binaryData']) {
      if (!deepEqual(object[field] ?? {}, before[field] ?? {})) faults.push(forbiddenField(field, message));
    }
  }
  return faults;
}

function base64Faults(object: KubeObject): FieldFault[] {
  const { data } = object;
  return Object.entries(isRecord(data) ? data : {}).flatMap(([key, value]) =>
    typeof value === 'string' && /^[A-Za-z0-9+/\n]*={0,2}\n*$/.test(value)
      ? []
      : [invalidValue(`data[${key}]`, '<value omitted>', 'must be base64')],
  );
}

function workloadFaults({ spec }: Input): FieldFault[] {
  const faults: FieldFault[] = [];
  const { replicas, selector } = spec;
  if (typeof replicas === 'number' && replicas < 0) {
    faults.push(invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'));
  }
  const labels = valueAt(spec, 'template', 'metadata', 'labels');
  const wanted = valueAt(selector, 'matchLabels');
  if (!isRecord(selector)) faults.push(required('spec.selector'));
  const isSelected =
    isRecord(wanted) && isRecord(labels) && Object.entries(wanted).every(([key, value]) => labels[key] === value);
  if (!isSelected && !Array.isArray(valueAt(selector, 'matchExpressions'))) {
    faults.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  return [...faults, ...templateFaults(spec)];
}

function templateFaults(spec: Fields): FieldFault[] {
  const template = valueAt(spec, 'template', 'spec');
  return isRecord(template) ? containerFaults(template, 'spec.template.spec') : [];
}

function containerFaults(podSpec: Fields, path: string): FieldFault[] {
  const containers = Array.isArray(podSpec['containers']) ? podSpec['containers'].filter(isRecord) : [];
  if (containers.length === 0) return [required(`${path}.containers`)];
  const names = new Set<unknown>();
  return containers.flatMap((container, index) => {
    const faults: FieldFault[] = [];
    const at = `${path}.containers[${index}]`;
    if (typeof container['name'] !== 'string' || container['name'] === '') faults.push(required(`${at}.name`));
    else if (!label.test(container['name'])) faults.push(invalidValue(`${at}.name`, container['name'], labelRule));
    if (names.has(container['name']))
      faults.push({
        field: `${at}.name`,
        type: 'Duplicate',
        message: `Duplicate value: ${JSON.stringify(container['name'])}`,
      });
    names.add(container['name']);
    if (typeof container['image'] !== 'string' || container['image'] === '') faults.push(required(`${at}.image`));
    return faults;
  });
}

const mutableInStatefulSets = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]);

function statefulSetFaults({ spec, oldSpec }: Input): FieldFault[] {
  if (oldSpec === undefined) return [];
  const fixed = (fields: Fields) =>
    Object.fromEntries(Object.entries(fields).filter(([key]) => !mutableInStatefulSets.has(key)));
  if (deepEqual(fixed(spec), fixed(oldSpec))) return [];
  const why =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
  return [forbiddenField('spec', why)];
}

function serviceFaults({ spec, oldSpec }: Input): FieldFault[] {
  const ports = Array.isArray(spec['ports']) ? spec['ports'].filter(isRecord) : [];
  const faults = ports.flatMap((port, index) => {
    const { port: number, name } = port;
    const found: FieldFault[] = [];
    if (ports.length > 1 && (typeof name !== 'string' || name === ''))
      found.push(required(`spec.ports[${index}].name`));
    if (typeof number !== 'number' || number < 1 || number > 65535) {
      found.push(invalidValue(`spec.ports[${index}].port`, number, 'must be between 1 and 65535, inclusive'));
    }
    return found;
  });
  const changesAddress =
    oldSpec !== undefined && oldSpec['clusterIP'] !== spec['clusterIP'] && spec['type'] !== 'ExternalName';
  if (changesAddress) faults.push(invalidValue('spec.clusterIPs[0]', [spec['clusterIP']], 'may not change once set'));
  return faults;
}

function roleRefFaults({ object, before }: Input): FieldFault[] {
  if (before === undefined || deepEqual(object['roleRef'], before['roleRef'])) return [];
  return [invalidValue('roleRef', object['roleRef'], 'cannot change roleRef')];
}

function immutable({ spec, oldSpec }: Input, ...fields: string[]): FieldFault[] {
  if (oldSpec === undefined) return [];
  return fields
    .filter((field) => !deepEqual(spec[field], oldSpec[field]))
    .map((field) => invalidValue(`spec.${field}`, spec[field], 'field is immutable'));
}
