import { randomUUID } from 'node:crypto';
import { isRecord, textAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type Fields, items, struct } from '../defaults/fields.ts';
import { StatusError } from '../errors/status-error.ts';
import type { AdmissionRequest, Cluster } from '../kinds/cluster.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { decodeQuietly } from '../verbs/decode.ts';
import { matchesLabelSelector } from '../verbs/selectors.ts';
import { callWebhook } from './webhook-call.ts';

const group = 'admissionregistration.k8s.io';

/**
 * The call of all webhooks that want to see a request, mutating ones first; undefined where none does. Webhooks behind a
 * Service are passed over: nothing runs behind Services here.
 */
export function webhooksFor(cluster: Cluster, request: AdmissionRequest): (() => Promise<void>) | undefined {
  if (request.resource.group === group) return undefined;
  const wanted = (kind: string) =>
    cluster.store
      .list(`${group}/${kind}`)
      .flatMap((configuration) => items(configuration, 'webhooks'))
      .filter((webhook) => textAt(webhook, 'clientConfig', 'url') !== undefined && isWanted(cluster, webhook, request));
  const mutating = wanted('mutatingwebhookconfigurations');
  const validating = wanted('validatingwebhookconfigurations');
  if (mutating.length + validating.length === 0) return undefined;
  return async () => {
    for (const webhook of mutating) await admitBy(webhook, request, true);
    await Promise.all(validating.map((webhook) => admitBy(webhook, request, false)));
  };
}

function isWanted(cluster: Cluster, webhook: Fields, request: AdmissionRequest): boolean {
  const { namespace, resource, object, old } = request;
  const labels = resource.storage === '/namespaces' ? (object ?? old)?.metadata.labels : undefined;
  const ofNamespace = labels ?? cluster.store.get('/namespaces', '', namespace)?.metadata.labels;
  return (
    items(webhook, 'rules').some((rule) => ruleMatches(rule, request)) &&
    (!resource.namespaced || matchesLabelSelector(webhook['namespaceSelector'] ?? {}, ofNamespace)) &&
    matchesLabelSelector(webhook['objectSelector'] ?? {}, (object ?? old)?.metadata.labels)
  );
}

function ruleMatches(rule: Fields, { operation, resource, subresource }: AdmissionRequest): boolean {
  const has = (field: string, ...values: string[]) => {
    const list = rule[field];
    return Array.isArray(list) && list.some((one) => one === '*' || values.includes(String(one)));
  };
  const full = subresource === '' ? resource.plural : `${resource.plural}/${subresource}`;
  const scope = rule['scope'] ?? '*';
  return (
    has('operations', operation) &&
    has('apiGroups', resource.group) &&
    has('apiVersions', resource.version) &&
    has('resources', full, ...(subresource === '' ? [] : [`*/${subresource}`, `${resource.plural}/*`]), '*/*') &&
    (scope === '*' || scope === (resource.namespaced ? 'Namespaced' : 'Cluster'))
  );
}

async function admitBy(webhook: Fields, request: AdmissionRequest, mutating: boolean): Promise<void> {
  const name = String(webhook['name']);
  const bundle = textAt(webhook, 'clientConfig', 'caBundle');
  const caPem = bundle === undefined ? undefined : Buffer.from(bundle, 'base64').toString();
  const url = textAt(webhook, 'clientConfig', 'url') ?? '';
  let response: Record<string, unknown>;
  try {
    response = await callWebhook(url, caPem, reviewOf(request), Number(webhook['timeoutSeconds'] ?? 10) * 1000);
  } catch (error) {
    if (webhook['failurePolicy'] === 'Ignore') return;
    const why = error instanceof Error ? error.message : String(error);
    const message = `failed calling webhook ${JSON.stringify(name)}: failed to call webhook: Post ${JSON.stringify(url)}: ${why}`;
    throw new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
  }
  const { warnings, allowed, patch } = response;
  if (Array.isArray(warnings)) request.warnings.push(...warnings.map(String));
  if (allowed !== true) throw denial(name, struct(response, 'status') ?? {});
  if (mutating && typeof patch === 'string') applyAnswer(request, Buffer.from(patch, 'base64').toString());
}

function denial(name: string, status: Fields): StatusError {
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const why = status['message'] || status['reason'];
  const code = Math.max(400, Number(status['code'] ?? 400));
  return new StatusError(
    code,
    textAt(status, 'reason'),
    why ? `${denied}: ${String(why)}` : `${denied} without explanation`,
  );
}

function applyAnswer(request: AdmissionRequest, patch: string): void {
  if (request.object === undefined) return;
  const patched = applyJsonPatch(request.object, JSON.parse(patch));
  if (isRecord(patched)) request.object = decodeQuietly(request.resource, patched).object;
}

/** `admission.k8s.io/v1 AdmissionReview`. */
function reviewOf({
  operation,
  resource,
  subresource,
  namespace,
  name,
  object,
  old,
  user,
  dryRun,
}: AdmissionRequest): unknown {
  const { group: apiGroup, version, kind, plural } = resource;
  const type = { group: apiGroup, version, kind };
  const place = { group: apiGroup, version, resource: plural };
  const shown = (one: KubeObject | undefined) => one ?? null;
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: randomUUID(),
      kind: type,
      resource: place,
      requestKind: type,
      requestResource: place,
      ...(subresource !== '' && { subResource: subresource }),
      name,
      ...(namespace !== '' && { namespace }),
      operation,
      userInfo: { username: user.name, groups: user.groups, ...(user.uid !== undefined && { uid: user.uid }) },
      object: shown(object),
      oldObject: shown(old),
      dryRun,
    },
  };
}
