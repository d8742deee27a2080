import { isRecord } from '../base/json.ts';
import type { KubeObject, ObjectKey } from '../base/kube-object.ts';
import { ownerNameLabel, ownerNamespaceLabel } from './controls.ts';

export interface CommonMetadata {
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
}

/**
 * An object in the form in which it is applied: labelled with its owner, without what only the server writes (spec/kustomization.md
 * §7). `commonMetadata` cannot take the owner labels away.
 */
export function desiredObject(built: KubeObject, owner: ObjectKey, common: CommonMetadata = {}): KubeObject {
  const { status, ...object } = structuredClone(built);
  const { creationTimestamp: _c, ...metadata } = object.metadata;
  const labels = {
    ...metadata.labels,
    ...common.labels,
    [ownerNameLabel]: owner.name,
    [ownerNamespaceLabel]: owner.namespace,
  };
  const annotations = { ...metadata.annotations, ...common.annotations };
  const desired: KubeObject = {
    ...object,
    ...(object.kind === 'CustomResourceDefinition' && status !== undefined ? { status } : {}),
    metadata: { ...metadata, labels, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
  };
  return desired.kind === 'Secret' && desired.apiVersion === 'v1' ? withEncodedData(desired) : desired;
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
