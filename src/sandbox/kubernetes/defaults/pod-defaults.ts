import { isRecord } from '../../../base/json.ts';
import { type Fields, items, setDefaults, struct } from './fields.ts';

/** Defaults of a pod template's spec: those that the API server sets, field by field. */
export function podSpecDefaults(spec: Fields | undefined): void {
  if (spec === undefined) return;
  setDefaults(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  const account = spec['serviceAccountName'] ?? spec['serviceAccount'];
  // The old name of the field is kept beside the new one.
  if (account !== undefined) Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  for (const volume of items(spec, 'volumes')) volumeDefaults(volume);
  for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of items(spec, list)) containerDefaults(container, spec['hostNetwork'] === true);
  }
}

/** What only a pod gets, not the template of one. */
export function podDefaults(spec: Fields | undefined): void {
  podSpecDefaults(spec);
  if (spec === undefined) return;
  setDefaults(spec, { enableServiceLinks: true });
  for (const list of ['initContainers', 'containers']) {
    for (const container of items(spec, list)) {
      const resources = struct(container, 'resources');
      const limits = struct(resources, 'limits');
      if (resources === undefined || limits === undefined) continue;
      const requests = { ...struct(resources, 'requests') };
      setDefaults(requests, limits);
      resources['requests'] = requests;
    }
  }
}

function containerDefaults(container: Fields, hostNetwork: boolean): void {
  const image = container['image'];
  setDefaults(container, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: typeof image === 'string' && tagOf(image) !== 'latest' ? 'IfNotPresent' : 'Always',
  });
  for (const port of items(container, 'ports')) {
    setDefaults(port, { protocol: 'TCP', ...(hostNetwork && { hostPort: port['containerPort'] }) });
  }
  for (const variable of items(container, 'env'))
    setDefaults(struct(variable, 'valueFrom', 'fieldRef'), { apiVersion: 'v1' });
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const fields = struct(container, probe);
    setDefaults(fields, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    actionDefaults(fields);
  }
  actionDefaults(struct(container, 'lifecycle', 'postStart'));
  actionDefaults(struct(container, 'lifecycle', 'preStop'));
}

function actionDefaults(action: Fields | undefined): void {
  setDefaults(struct(action, 'httpGet'), { path: '/', scheme: 'HTTP' });
  setDefaults(struct(action, 'grpc'), { service: '' });
}

/** The tag of an image reference; `latest` where it has neither tag nor digest. */
function tagOf(image: string): string {
  const [reference = '', digest] = image.split('@');
  const name = reference.slice(reference.lastIndexOf('/') + 1);
  const colon = name.indexOf(':');
  if (colon >= 0) return name.slice(colon + 1);
  return digest === undefined ? 'latest' : '';
}

const withMode = ['secret', 'configMap', 'downwardAPI', 'projected'];

function volumeDefaults(volume: Fields): void {
  if (Object.keys(volume).every((field) => field === 'name')) volume['emptyDir'] = {};
  for (const source of withMode) setDefaults(struct(volume, source), { defaultMode: 420 });
  setDefaults(struct(volume, 'hostPath'), { type: '' });
  for (const source of items(volume['projected'], 'sources')) {
    setDefaults(struct(source, 'serviceAccountToken'), { expirationSeconds: 3600 });
    fieldRefDefaults(source['downwardAPI']);
  }
  fieldRefDefaults(volume['downwardAPI']);
  setDefaults(struct(volume, 'ephemeral', 'volumeClaimTemplate', 'spec'), { volumeMode: 'Filesystem' });
}

function fieldRefDefaults(source: unknown): void {
  if (!isRecord(source)) return;
  for (const item of items(source, 'items')) setDefaults(struct(item, 'fieldRef'), { apiVersion: 'v1' });
}
