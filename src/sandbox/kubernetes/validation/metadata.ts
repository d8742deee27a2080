import type { KubeObject } from '../../../base/kube-object.ts';
import { type FieldError, forbiddenField, invalidValue, required, tooLong } from '../errors/field-error.ts';
import { labelValueFault, qualifiedNameFault } from './formats.ts';

/** What a kind demands of its names. */
export type NameRule = (name: string) => string | undefined;

const mostAnnotationBytes = 256 * 1024;

/** Checks the metadata that every object has. */
export function metadataFaults({ metadata }: KubeObject, namespaced: boolean, nameRule: NameRule): FieldError[] {
  const faults: FieldError[] = [];
  const { name, generateName, namespace = '' } = metadata;
  if (generateName !== undefined && generateName !== '') {
    const fault = nameRule(generateName.endsWith('-') ? `${generateName.slice(0, -1)}x` : generateName);
    if (fault !== undefined) faults.push(invalidValue('metadata.generateName', generateName, fault));
  }
  if (!name) faults.push(required('metadata.name', 'name or generateName is required'));
  else {
    const fault = nameRule(name);
    if (fault !== undefined) faults.push(invalidValue('metadata.name', name, fault));
  }
  if (namespaced && namespace === '') faults.push(required('metadata.namespace'));
  if (!namespaced && namespace !== '') faults.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  faults.push(...ownerFaults(metadata.ownerReferences ?? []));
  faults.push(...labelFaults(metadata.labels, 'metadata.labels'));
  faults.push(...annotationFaults(metadata.annotations));
  faults.push(...finalizerFaults(metadata.finalizers ?? []));
  return faults;
}

export function labelFaults(labels: unknown, field: string): FieldError[] {
  const faults: FieldError[] = [];
  for (const [key, value] of Object.entries((labels ?? {}) as Record<string, string>)) {
    const keyFault = qualifiedNameFault(key);
    if (keyFault !== undefined) faults.push(invalidValue(field, key, keyFault));
    const valueFault = labelValueFault(value);
    if (valueFault !== undefined) faults.push(invalidValue(field, value, valueFault));
  }
  return faults;
}

function annotationFaults(annotations: Record<string, string> | undefined): FieldError[] {
  const faults: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    const fault = qualifiedNameFault(key.toLowerCase());
    if (fault !== undefined) faults.push(invalidValue('metadata.annotations', key, fault));
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > mostAnnotationBytes) faults.push(tooLong('metadata.annotations', mostAnnotationBytes));
  return faults;
}

function ownerFaults(owners: NonNullable<KubeObject['metadata']['ownerReferences']>): FieldError[] {
  const faults: FieldError[] = [];
  owners.forEach((owner, index) => {
    const field = `metadata.ownerReferences[${index}]`;
    if (!owner.apiVersion)
      faults.push(invalidValue(`${field}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
    if (!owner.kind) faults.push(invalidValue(`${field}.kind`, owner.kind ?? '', 'must not be empty'));
    if (!owner.name) faults.push(invalidValue(`${field}.name`, owner.name ?? '', 'must not be empty'));
    if (!owner.uid) faults.push(invalidValue(`${field}.uid`, owner.uid ?? '', 'must not be empty'));
  });
  const controllers = owners.filter(({ controller }) => controller === true);
  if (controllers.length > 1) {
    const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controllers[0]?.kind}/${controllers[0]?.name} and ${controllers[1]?.kind}/${controllers[1]?.name}`;
    faults.push(invalidValue('metadata.ownerReferences', owners, detail));
  }
  return faults;
}

function finalizerFaults(finalizers: readonly string[]): FieldError[] {
  const faults = finalizers.flatMap((finalizer) => {
    const fault = qualifiedNameFault(finalizer);
    return fault === undefined ? [] : [invalidValue('metadata.finalizers', finalizer, fault)];
  });
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    faults.push(
      invalidValue('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'),
    );
  }
  return faults;
}

/** What of the metadata may not change. */
export function metadataUpdateFaults(object: KubeObject, old: KubeObject): FieldError[] {
  const faults: FieldError[] = [];
  const added = (object.metadata.finalizers ?? []).filter((one) => !old.metadata.finalizers?.includes(one));
  if (old.metadata.deletionTimestamp !== undefined && added.length > 0) {
    const found = `[]string{${added.map((one) => JSON.stringify(one)).join(', ')}}`;
    const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${found}`;
    faults.push(forbiddenField('metadata.finalizers', detail));
  }
  for (const field of ['name', 'namespace', 'uid'] as const) {
    const value = object.metadata[field] ?? '';
    if (value !== (old.metadata[field] ?? '')) {
      faults.push(invalidValue(`metadata.${field}`, value, 'field is immutable'));
    }
  }
  return faults;
}
