import { isRecord, valueAt } from '../../../base/json.ts';
import { type Fields, items, struct } from '../defaults/fields.ts';
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notFoundField,
  required,
  unsupported,
} from '../errors/field-error.ts';
import { compareQuantities } from '../schema/quantity.ts';
import { labelFault, portFault, qualifiedNameFault, subdomainFault } from './formats.ts';
import { labelFaults } from './metadata.ts';

/** Checks the spec of a pod or of a pod template at `path`. */
export function podSpecFaults(spec: Fields | undefined, path: string): FieldError[] {
  if (spec === undefined) return [];
  const volumes = items(spec, 'volumes');
  const volumeNames = new Set(volumes.map(({ name }) => String(name)));
  const faults = [...volumeFaults(volumes, `${path}.volumes`)];
  const containers = items(spec, 'containers');
  if (containers.length === 0) faults.push(required(`${path}.containers`));
  const inits = items(spec, 'initContainers');
  const seen = new Set<string>();
  const check = (list: Fields[], at: string) =>
    list.forEach((container, index) => {
      faults.push(...containerFaults(container, `${at}[${index}]`, volumeNames));
      const name = String(container['name'] ?? '');
      if (name !== '' && seen.has(name)) faults.push(duplicate(`${at}[${index}].name`, name));
      seen.add(name);
    });
  check(containers, `${path}.containers`);
  check(inits, `${path}.initContainers`);
  oneOf(faults, `${path}.restartPolicy`, spec['restartPolicy'], ['Always', 'OnFailure', 'Never']);
  oneOf(faults, `${path}.dnsPolicy`, spec['dnsPolicy'], ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']);
  faults.push(...labelFaults(spec['nodeSelector'], `${path}.nodeSelector`));
  const account = spec['serviceAccountName'];
  if (typeof account === 'string' && account !== '') {
    const fault = subdomainFault(account);
    if (fault !== undefined) faults.push(invalidValue(`${path}.serviceAccountName`, account, fault));
  }
  notNegative(faults, `${path}.terminationGracePeriodSeconds`, spec['terminationGracePeriodSeconds']);
  const deadline = spec['activeDeadlineSeconds'];
  if (typeof deadline === 'number' && (deadline < 1 || deadline > 2 ** 31 - 1)) {
    faults.push(invalidValue(`${path}.activeDeadlineSeconds`, deadline, 'must be between 1 and 2147483647, inclusive'));
  }
  faults.push(...pullSecretFaults(spec, path), ...tolerationFaults(spec, path));
  return faults;
}

export function notNegative(faults: FieldError[], field: string, value: unknown): void {
  if (typeof value === 'number' && value < 0)
    faults.push(invalidValue(field, value, 'must be greater than or equal to 0'));
}

/** One of the allowed texts, or absent. */
export function oneOf(faults: FieldError[], field: string, value: unknown, allowed: readonly string[]): void {
  if (value !== undefined && !allowed.includes(String(value))) faults.push(unsupported(field, value, allowed));
}

function pullSecretFaults(spec: Fields, path: string): FieldError[] {
  return items(spec, 'imagePullSecrets').flatMap(({ name }, index) =>
    name ? [] : [required(`${path}.imagePullSecrets[${index}].name`)],
  );
}

function tolerationFaults(spec: Fields, path: string): FieldError[] {
  const faults: FieldError[] = [];
  items(spec, 'tolerations').forEach((toleration, index) => {
    const at = `${path}.tolerations[${index}]`;
    oneOf(faults, `${at}.operator`, toleration['operator'], ['Equal', 'Exists', 'Gt', 'Lt']);
    oneOf(faults, `${at}.effect`, toleration['effect'], ['NoSchedule', 'PreferNoSchedule', 'NoExecute']);
    if (!toleration['key'] && toleration['operator'] !== 'Exists') {
      faults.push(
        invalidValue(
          `${at}.operator`,
          toleration['operator'] ?? '',
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
  });
  return faults;
}

function volumeFaults(volumes: readonly Fields[], path: string): FieldError[] {
  const faults: FieldError[] = [];
  const seen = new Set<string>();
  volumes.forEach((volume, index) => {
    const at = `${path}[${index}]`;
    const name = String(volume['name'] ?? '');
    if (name === '') faults.push(required(`${at}.name`));
    else {
      const fault = labelFault(name);
      if (fault !== undefined) faults.push(invalidValue(`${at}.name`, name, fault));
      if (seen.has(name)) faults.push(duplicate(`${at}.name`, name));
    }
    seen.add(name);
    const sources = Object.keys(volume).filter((field) => field !== 'name');
    if (sources.length > 1)
      faults.push(forbiddenField(`${at}.${sources[1]}`, 'may not specify more than 1 volume type'));
    if (isRecord(volume['secret']) && !volume['secret']['secretName']) faults.push(required(`${at}.secret.secretName`));
    if (isRecord(volume['configMap']) && !volume['configMap']['name']) faults.push(required(`${at}.configMap.name`));
    if (isRecord(volume['persistentVolumeClaim']) && !volume['persistentVolumeClaim']['claimName']) {
      faults.push(required(`${at}.persistentVolumeClaim.claimName`));
    }
    if (isRecord(volume['hostPath']) && !volume['hostPath']['path']) faults.push(required(`${at}.hostPath.path`));
  });
  return faults;
}

function containerFaults(container: Fields, path: string, volumeNames: ReadonlySet<string>): FieldError[] {
  const faults: FieldError[] = [];
  const { name, image } = container;
  if (!name) faults.push(required(`${path}.name`));
  else {
    const fault = labelFault(String(name));
    if (fault !== undefined) faults.push(invalidValue(`${path}.name`, name, fault));
  }
  if (!image) faults.push(required(`${path}.image`));
  else if (String(image).trim() !== image)
    faults.push(invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace'));
  faults.push(...portFaults(items(container, 'ports'), `${path}.ports`));
  faults.push(...envFaults(items(container, 'env'), `${path}.env`));
  faults.push(...mountFaults(items(container, 'volumeMounts'), `${path}.volumeMounts`, volumeNames));
  faults.push(...resourceFaults(struct(container, 'resources'), `${path}.resources`));
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    faults.push(...probeFaults(struct(container, probe), `${path}.${probe}`, probe));
  }
  oneOf(faults, `${path}.imagePullPolicy`, container['imagePullPolicy'], ['Always', 'IfNotPresent', 'Never']);
  oneOf(faults, `${path}.terminationMessagePolicy`, container['terminationMessagePolicy'], [
    'FallbackToLogsOnError',
    'File',
  ]);
  return faults;
}

function portFaults(ports: readonly Fields[], path: string): FieldError[] {
  const faults: FieldError[] = [];
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const at = `${path}[${index}]`;
    const { name, containerPort, hostPort } = port;
    if (typeof name === 'string' && name !== '') {
      const fault = portNameFault(name);
      if (fault !== undefined) faults.push(invalidValue(`${at}.name`, name, fault));
      else if (names.has(name)) faults.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (!containerPort) faults.push(required(`${at}.containerPort`));
    else {
      const fault = portFault(containerPort);
      if (fault !== undefined) faults.push(invalidValue(`${at}.containerPort`, containerPort, fault));
    }
    if (hostPort) {
      const fault = portFault(hostPort);
      if (fault !== undefined) faults.push(invalidValue(`${at}.hostPort`, hostPort, fault));
    }
    oneOf(faults, `${at}.protocol`, port['protocol'], ['SCTP', 'TCP', 'UDP']);
  });
  return faults;
}

/** Names of ports as IANA registers services. */
export function portNameFault(name: string): string | undefined {
  if (name.length > 15) return 'must be no more than 15 characters';
  if (!/^[-a-z0-9]+$/.test(name)) return 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)';
  if (!/[a-z]/.test(name)) return 'must contain at least one letter (a-z)';
  if (name.includes('--')) return 'must not contain consecutive hyphens';
  return name.startsWith('-') || name.endsWith('-') ? 'must not begin or end with a hyphen' : undefined;
}

function envFaults(variables: readonly Fields[], path: string): FieldError[] {
  const faults: FieldError[] = [];
  variables.forEach((variable, index) => {
    const at = `${path}[${index}]`;
    const { name, value, valueFrom } = variable;
    if (!name) faults.push(required(`${at}.name`));
    else if (String(name).includes('=')) {
      const detail = "a valid environment variable name must consist only of printable ASCII characters other than '='";
      faults.push(invalidValue(`${at}.name`, name, detail));
    }
    if (!isRecord(valueFrom)) return;
    if (value) faults.push(invalidValue(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty'));
    const sources = Object.keys(valueFrom);
    if (sources.length === 0) {
      faults.push(
        invalidValue(
          `${at}.valueFrom`,
          '',
          'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef`, or `fileKeyRef`',
        ),
      );
    }
    if (sources.length > 1)
      faults.push(invalidValue(`${at}.valueFrom`, '', 'may not have more than one field specified at a time'));
    for (const source of ['configMapKeyRef', 'secretKeyRef']) {
      const ref = struct(valueFrom, source);
      if (ref === undefined) continue;
      if (!ref['name']) faults.push(required(`${at}.valueFrom.${source}.name`));
      if (!ref['key']) faults.push(required(`${at}.valueFrom.${source}.key`));
    }
  });
  return faults;
}

function mountFaults(mounts: readonly Fields[], path: string, volumeNames: ReadonlySet<string>): FieldError[] {
  const faults: FieldError[] = [];
  const paths = new Set<string>();
  mounts.forEach(({ name, mountPath }, index) => {
    const at = `${path}[${index}]`;
    if (!name) faults.push(required(`${at}.name`));
    else if (!volumeNames.has(String(name))) faults.push(notFoundField(`${at}.name`, name));
    if (!mountPath) faults.push(required(`${at}.mountPath`));
    else if (paths.has(String(mountPath))) faults.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(String(mountPath));
  });
  return faults;
}

function resourceFaults(resources: Fields | undefined, path: string): FieldError[] {
  const faults: FieldError[] = [];
  const limits = struct(resources, 'limits') ?? {};
  const requests = struct(resources, 'requests') ?? {};
  for (const [field, amounts] of Object.entries({ limits, requests })) {
    for (const [name, amount] of Object.entries(amounts)) {
      const fault = qualifiedNameFault(name);
      if (fault !== undefined) faults.push(invalidValue(`${path}.${field}[${name}]`, name, fault));
      if (compareQuantities(String(amount), '0') === -1) {
        faults.push(invalidValue(`${path}.${field}[${name}]`, amount, 'must be greater than or equal to 0'));
      }
    }
  }
  for (const [name, amount] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit !== undefined && compareQuantities(String(amount), String(limit)) === 1) {
      faults.push(
        invalidValue(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${String(limit)}`),
      );
    }
  }
  return faults;
}

const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc'];

function probeFaults(probe: Fields | undefined, path: string, kind: string): FieldError[] {
  if (probe === undefined) return [];
  const faults: FieldError[] = [];
  const given = handlers.filter((handler) => probe[handler] !== undefined);
  if (given.length === 0) faults.push(required(path, 'must specify a handler type'));
  if (given.length > 1) faults.push(forbiddenField(`${path}.${given[1]}`, 'may not specify more than 1 handler type'));
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    notNegative(faults, `${path}.${field}`, probe[field]);
  }
  if (kind !== 'readinessProbe' && probe['successThreshold'] !== undefined && probe['successThreshold'] !== 1) {
    faults.push(invalidValue(`${path}.successThreshold`, probe['successThreshold'], 'must be 1'));
  }
  const port = valueAt(probe, 'httpGet', 'port') ?? valueAt(probe, 'tcpSocket', 'port');
  if (typeof port === 'number') {
    const fault = portFault(port);
    const at = probe['httpGet'] === undefined ? 'tcpSocket' : 'httpGet';
    if (fault !== undefined) faults.push(invalidValue(`${path}.${at}.port`, port, fault));
  }
  return faults;
}
