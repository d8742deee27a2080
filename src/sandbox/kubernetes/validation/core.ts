import { deepEqual, isRecord, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type Fields, items, struct } from '../defaults/fields.ts';
import { duplicate, type FieldError, forbiddenField, invalidValue, required, tooLong } from '../errors/field-error.ts';
import { configKeyFault, labelFault, portFault } from './formats.ts';
import { labelFaults } from './metadata.ts';
import { notNegative, oneOf, portNameFault } from './pod-spec.ts';
import type { KindRules } from './rules.ts';

const mostDataBytes = 1024 * 1024;
const immutableNote = 'field is immutable when `immutable` is set';

function keyFaults(data: Fields | undefined, field: string): FieldError[] {
  return Object.keys(data ?? {}).flatMap((key) => {
    const fault = configKeyFault(key);
    return fault === undefined ? [] : [invalidValue(`${field}[${key}]`, key, fault)];
  });
}

function configMapFaults(object: KubeObject): FieldError[] {
  const [data, binary] = [struct(object, 'data'), struct(object, 'binaryData')];
  const faults = keyFaults(data, 'data');
  for (const key in binary) {
    if (data?.[key] !== undefined) {
      faults.push(invalidValue('data', key, `duplicate of key present in binaryData`));
    }
  }
  faults.push(...keyFaults(binary, 'binaryData'));
  const bytes = Object.values(data ?? {}).reduce<number>((sum, value) => sum + Buffer.byteLength(String(value)), 0);
  const binaryBytes = Object.values(binary ?? {}).reduce<number>(
    (sum, value) => sum + Buffer.from(String(value), 'base64').length,
    0,
  );
  if (bytes + binaryBytes > mostDataBytes) faults.push(tooLong('', mostDataBytes));
  return faults;
}

function keptWhenImmutable(object: KubeObject, old: KubeObject, ...fields: string[]): FieldError[] {
  if (old['immutable'] !== true) return [];
  const faults: FieldError[] = [];
  if (object['immutable'] !== true) faults.push(forbiddenField('immutable', immutableNote));
  for (const field of fields) {
    if (!deepEqual(object[field] ?? {}, old[field] ?? {})) faults.push(forbiddenField(field, immutableNote));
  }
  return faults;
}

/** What the data of a typed Secret has to have. */
const secretKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

function secretFaults(object: KubeObject): FieldError[] {
  const data = struct(object, 'data');
  const faults = keyFaults(data, 'data');
  const bytes = Object.values(data ?? {}).reduce<number>(
    (sum, value) => sum + Buffer.from(String(value), 'base64').length,
    0,
  );
  if (bytes > mostDataBytes) faults.push(tooLong('data', mostDataBytes));
  const type = String(object['type']);
  for (const key of secretKeys[type] ?? []) if (data?.[key] === undefined) faults.push(required(`data[${key}]`));
  if (type === 'kubernetes.io/basic-auth' && data?.['username'] === undefined && data?.['password'] === undefined) {
    faults.push(required('data[username]'), required('data[password]'));
  }
  if (
    type === 'kubernetes.io/service-account-token' &&
    !object.metadata.annotations?.['kubernetes.io/service-account.name']
  ) {
    faults.push(required('metadata.annotations[kubernetes.io/service-account.name]'));
  }
  const config = data?.['.dockerconfigjson'];
  if (type === 'kubernetes.io/dockerconfigjson' && config !== undefined && !isJson(String(config))) {
    faults.push(invalidValue('data[.dockerconfigjson]', '<secret contents redacted>', 'invalid character in JSON'));
  }
  return faults;
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString());
    return true;
  } catch {
    return false;
  }
}

function serviceFaults(object: KubeObject): FieldError[] {
  const spec = struct(object, 'spec') ?? {};
  const faults: FieldError[] = [];
  const ports = items(spec, 'ports');
  const type = spec['type'];
  const headless = spec['clusterIP'] === 'None';
  if (ports.length === 0 && !headless && type !== 'ExternalName') faults.push(required('spec.ports'));
  if (type === 'ExternalName') {
    if (!spec['externalName']) faults.push(required('spec.externalName', ''));
  } else if (headless && type !== 'ClusterIP') {
    faults.push(
      invalidValue('spec.clusterIPs[0]', 'None', "may not be set to 'None' for LoadBalancer or NodePort services"),
    );
  }
  faults.push(...servicePortFaults(ports));
  faults.push(...labelFaults(spec['selector'], 'spec.selector'));
  oneOf(faults, 'spec.sessionAffinity', spec['sessionAffinity'], ['ClientIP', 'None']);
  oneOf(faults, 'spec.type', type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']);
  oneOf(faults, 'spec.externalTrafficPolicy', spec['externalTrafficPolicy'], ['Cluster', 'Local']);
  oneOf(faults, 'spec.internalTrafficPolicy', spec['internalTrafficPolicy'], ['Cluster', 'Local']);
  return faults;
}

function servicePortFaults(ports: readonly Fields[]): FieldError[] {
  const faults: FieldError[] = [];
  const names = new Set<string>();
  const used = new Set<string>();
  ports.forEach((port, index) => {
    const at = `spec.ports[${index}]`;
    const { name, protocol, targetPort } = port;
    if (!name) {
      if (ports.length > 1) faults.push(required(`${at}.name`));
    } else {
      const fault = labelFault(String(name));
      if (fault !== undefined) faults.push(invalidValue(`${at}.name`, name, fault));
      if (names.has(String(name))) faults.push(duplicate(`${at}.name`, name));
      names.add(String(name));
    }
    const fault = portFault(port['port']);
    if (fault !== undefined) faults.push(invalidValue(`${at}.port`, port['port'], fault));
    oneOf(faults, `${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']);
    const targetFault = typeof targetPort === 'string' ? portNameFault(targetPort) : portFault(targetPort);
    if (targetFault !== undefined) faults.push(invalidValue(`${at}.targetPort`, targetPort, targetFault));
    const key = `${String(port['port'])}/${String(protocol)}`;
    if (used.has(key)) faults.push(duplicate(at, { ...(name ? { name } : {}), protocol, port: port['port'] }));
    used.add(key);
  });
  return faults;
}

function serviceUpdateFaults(object: KubeObject, old: KubeObject): FieldError[] {
  const [now, before] = [valueAt(object, 'spec', 'clusterIP'), valueAt(old, 'spec', 'clusterIP')];
  const external =
    valueAt(object, 'spec', 'type') === 'ExternalName' || valueAt(old, 'spec', 'type') === 'ExternalName';
  if (external || before === undefined || now === before) return [];
  return [invalidValue('spec.clusterIPs[0]', now, 'may not change once set')];
}

function claimFaults(object: KubeObject): FieldError[] {
  const spec = struct(object, 'spec') ?? {};
  const faults: FieldError[] = [];
  const modes = (spec['accessModes'] ?? []) as string[];
  if (modes.length === 0) faults.push(required('spec.accessModes', 'at least 1 access mode is required'));
  for (const mode of modes)
    oneOf(faults, 'spec.accessModes', mode, ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']);
  if (valueAt(spec, 'resources', 'requests', 'storage') === undefined) faults.push(required('spec.resources[storage]'));
  return faults;
}

function claimUpdateFaults(object: KubeObject, old: KubeObject): FieldError[] {
  const fixed = (one: KubeObject) => {
    const { resources: _, volumeAttributesClassName: __, volumeName: ___, ...spec } = struct(one, 'spec') ?? {};
    return spec;
  };
  if (deepEqual(fixed(object), fixed(old))) return [];
  const detail =
    'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
  return [forbiddenField('spec', detail)];
}

function leaseFaults(object: KubeObject): FieldError[] {
  const faults: FieldError[] = [];
  const seconds = valueAt(object, 'spec', 'leaseDurationSeconds');
  if (typeof seconds === 'number' && seconds <= 0) {
    faults.push(invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0'));
  }
  notNegative(faults, 'spec.leaseTransitions', valueAt(object, 'spec', 'leaseTransitions'));
  return faults;
}

function eventFaults(object: KubeObject): FieldError[] {
  const about = isRecord(object['involvedObject']) ? object['involvedObject'] : {};
  const namespace = String(about['namespace'] ?? '');
  const own = object.metadata.namespace ?? '';
  const fits = namespace === own || (namespace === '' && own === 'default');
  return fits ? [] : [invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace')];
}

export const coreRules: Readonly<Record<string, KindRules>> = {
  'v1/ConfigMap': {
    create: configMapFaults,
    update: (object, old) => keptWhenImmutable(object, old, 'data', 'binaryData'),
  },
  'v1/Secret': {
    create: secretFaults,
    update: (object, old) => [
      ...(object['type'] === old['type'] ? [] : [invalidValue('type', object['type'], 'field is immutable')]),
      ...keptWhenImmutable(object, old, 'data'),
    ],
  },
  'v1/Service': { create: serviceFaults, update: serviceUpdateFaults },
  'v1/PersistentVolumeClaim': { create: claimFaults, update: claimUpdateFaults },
  'v1/Event': { create: eventFaults },
  'coordination.k8s.io/v1/Lease': { create: leaseFaults },
};
