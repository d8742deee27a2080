import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { formatRef, groupOf, type KubeObject, type ObjectKey } from '../base/kube-object.ts';
import { ownerNameLabel, ownerNamespaceLabel } from './controls.ts';

export interface CommonMetadata {
  labels?: Readonly<Record<string, string>> | undefined;
  annotations?: Readonly<Record<string, string>> | undefined;
}

/**
 * An object in the form in which it is applied: labelled with its owner, without what only the server writes, built-in kinds
 * with the defaults that server-side apply needs to tell list items apart (spec/kustomization.md §7). Throws BAD_INPUT where
 * `common` would take the owner labels away.
 */
export function desiredObject(built: KubeObject, owner: ObjectKey, common: CommonMetadata = {}): KubeObject {
  for (const label of [ownerNameLabel, ownerNamespaceLabel]) {
    if (common.labels?.[label] === undefined) continue;
    const message = `${formatRef(built)}: spec.commonMetadata.labels may not set '${label}', which marks the owner`;
    throw new MillraceError('BAD_INPUT', message, { retry: 'never' });
  }
  const { status, ...object } = structuredClone(built);
  const { creationTimestamp: _c, ...metadata } = object.metadata;
  const labels = {
    ...metadata.labels,
    [ownerNameLabel]: owner.name,
    [ownerNamespaceLabel]: owner.namespace,
    ...common.labels,
  };
  const annotations = { ...metadata.annotations, ...common.annotations };
  const isCrd = object.kind === 'CustomResourceDefinition';
  // kstatus judges a definition by it while it is being installed.
  const keepsStatus = status !== undefined && isCrd;
  const desired: KubeObject = {
    ...object,
    ...(keepsStatus ? { status } : {}),
    metadata: { ...metadata, labels, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
  };
  if (isCrd) dropBrokenCaBundle(desired);
  setDefaultProtocols(desired);
  return desired.kind === 'Secret' && desired.apiVersion === 'v1' ? withEncodedData(desired) : desired;
}

/** Groups of Kubernetes itself have no dot, or end in `.k8s.io`. */
function isBuiltIn({ apiVersion }: KubeObject): boolean {
  const group = groupOf(apiVersion);
  return !group.includes('.') || group.endsWith('.k8s.io');
}

/** `stringData` folded into `data`, so that what is applied compares with what is stored. */
function withEncodedData(secret: KubeObject): KubeObject {
  const { stringData, ...rest } = secret;
  if (!isRecord(stringData)) return secret;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  const data = isRecord(rest['data']) ? rest['data'] : {};
  return { ...rest, data: { ...data, ...Object.fromEntries(encoded) } } as KubeObject;
}

/** The protocol is part of the key of a port in its list; without it the server refuses two ports of one number. */
function setDefaultProtocols(object: KubeObject): void {
  if (!isBuiltIn(object)) return;
  const ports =
    object.kind === 'Service'
      ? recordsAt(object, 'spec', 'ports')
      : containersOf(object).flatMap((c) => recordsAt(c, 'ports'));
  for (const port of ports) port['protocol'] ??= 'TCP';
}

const podPaths: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

function containersOf(object: KubeObject): Record<string, unknown>[] {
  const path = podPaths[object.kind] ?? ['spec', 'template', 'spec'];
  return ['containers', 'initContainers'].flatMap((list) => recordsAt(object, ...path, list));
}

function recordsAt(value: unknown, ...path: string[]): Record<string, unknown>[] {
  let current = value;
  for (const key of path) current = isRecord(current) ? current[key] : undefined;
  return Array.isArray(current) ? current.filter(isRecord) : [];
}

/** A certificate bundle that is none makes the API refuse the whole definition; tools that inject it later write such ones. */
function dropBrokenCaBundle(crd: KubeObject): void {
  let clientConfig: unknown = crd['spec'];
  for (const key of ['conversion', 'webhook', 'clientConfig']) {
    clientConfig = isRecord(clientConfig) ? clientConfig[key] : undefined;
  }
  if (!isRecord(clientConfig) || typeof clientConfig['caBundle'] !== 'string') return;
  const pem = Buffer.from(clientConfig['caBundle'], 'base64').toString('latin1');
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) delete clientConfig['caBundle'];
}
