import { isRecord } from '../../base/json.ts';

type Fields = Record<string, unknown>;

/** Fills a field where it is not set. */
export function setDefault(fields: Fields, key: string, value: unknown): void {
  if (fields[key] === undefined || fields[key] === null) fields[key] = value;
}

function records(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** The defaults of a pod's spec, as Kubernetes' core/v1 defaulting sets them. Changes `spec`. */
export function defaultPodSpec(spec: Fields): void {
  setDefault(spec, 'restartPolicy', 'Always');
  setDefault(spec, 'terminationGracePeriodSeconds', 30);
  setDefault(spec, 'dnsPolicy', 'ClusterFirst');
  setDefault(spec, 'securityContext', {});
  setDefault(spec, 'schedulerName', 'default-scheduler');
  if (typeof spec['serviceAccountName'] === 'string' && spec['serviceAccountName'] !== '') {
    setDefault(spec, 'serviceAccount', spec['serviceAccountName']);
  }
  for (const container of [...records(spec['containers']), ...records(spec['initContainers'])])
    defaultContainer(container);
  for (const volume of records(spec['volumes'])) defaultVolume(volume);
}

function defaultContainer(container: Fields): void {
  setDefault(container, 'resources', {});
  setDefault(container, 'terminationMessagePath', '/dev/termination-log');
  setDefault(container, 'terminationMessagePolicy', 'File');
  const image = typeof container['image'] === 'string' ? container['image'] : '';
  setDefault(container, 'imagePullPolicy', isLatest(image) ? 'Always' : 'IfNotPresent');
  for (const port of records(container['ports'])) setDefault(port, 'protocol', 'TCP');
  for (const variable of records(container['env'])) {
    const source = variable['valueFrom'];
    if (isRecord(source) && isRecord(source['fieldRef'])) setDefault(source['fieldRef'], 'apiVersion', 'v1');
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[name];
    if (isRecord(probe)) defaultProbe(probe);
  }
}

function isLatest(image: string): boolean {
  const name = image.slice(image.lastIndexOf('/') + 1);
  return !name.includes('@') && (!name.includes(':') || name.endsWith(':latest'));
}

function defaultProbe(probe: Fields): void {
  setDefault(probe, 'timeoutSeconds', 1);
  setDefault(probe, 'periodSeconds', 10);
  setDefault(probe, 'successThreshold', 1);
  setDefault(probe, 'failureThreshold', 3);
  if (isRecord(probe['httpGet'])) {
    setDefault(probe['httpGet'], 'path', '/');
    setDefault(probe['httpGet'], 'scheme', 'HTTP');
  }
}

function defaultVolume(volume: Fields): void {
  for (const name of ['configMap', 'secret', 'downwardAPI', 'projected']) {
    const source = volume[name];
    if (isRecord(source)) setDefault(source, 'defaultMode', 420);
  }
  const { projected } = volume;
  for (const source of isRecord(projected) ? records(projected['sources']) : []) {
    const token = source['serviceAccountToken'];
    if (isRecord(token)) setDefault(token, 'expirationSeconds', 3600);
  }
  if (Object.keys(volume).length === 1 && volume['name'] !== undefined) volume['emptyDir'] = {};
}
