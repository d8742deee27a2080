import { type BuiltinKind, builtinDefinition, builtinKinds } from '../../../api/builtin/builtin-kinds.ts';
import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { deepEqual } from '../../../base/json.ts';
import { groupOf, type KubeObject, versionOf } from '../../../base/kube-object.ts';
import { defaultsOf } from '../defaults/defaults.ts';
import type { FieldSet } from '../managed-fields/field-set.ts';
import { type DecodeFaults, goShape } from '../schema/go-shape.ts';
import { validatorOf } from '../validation/validators.ts';
import { conversionOf } from './conversions.ts';
import { preparationOf } from './preparation.ts';
import type { Behaviour, Resource } from './resource.ts';

/** Kinds whose `metadata.generation` is counted, beside those of the groups below. */
const countedKinds = new Set([
  'Pod',
  'ReplicationController',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'Ingress',
  'IngressClass',
  'NetworkPolicy',
  'PodDisruptionBudget',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
  'EndpointSlice',
  'PriorityClass',
  'FlowSchema',
  'PriorityLevelConfiguration',
]);

const createdByUpdate = new Set([
  'Lease',
  'Event',
  'Endpoints',
  'Service',
  'Role',
  'RoleBinding',
  'ClusterRole',
  'ClusterRoleBinding',
  'LimitRange',
  'PersistentVolume',
  'Node',
]);

const answeredWithObject = new Set([
  'Pod',
  'PodTemplate',
  'Service',
  'ServiceAccount',
  'ResourceQuota',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'StorageClass',
  'CSIDriver',
  'CSINode',
  'VolumeAttachment',
]);

/** Updates of these need a resourceVersion. */
const conditionalUpdates = new Set([
  'APIService',
  'CustomResourceDefinition',
  'Lease',
  'PodDisruptionBudget',
  'IPAddress',
]);

const keptPlurals: Readonly<Record<string, string>> = { 'events.k8s.io/events': '/events' };

/** The resources that every cluster serves. */
export function builtinResources(): Resource[] {
  return builtinKinds().map(builtinResource);
}

function builtinResource(kind: BuiltinKind): Resource {
  const schema = builtinDefinition(kind.definition);
  if (schema === undefined) throw new Error(`no schema for ${kind.kind}`);
  const group = groupOf(kind.apiVersion);
  const storage = `${group}/${kind.plural}`;
  return {
    group,
    version: versionOf(kind.apiVersion),
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    listKind: `${kind.kind}List`,
    plural: kind.plural,
    singular: kind.singular,
    shortNames: kind.shortNames,
    categories: kind.categories,
    namespaced: kind.namespaced,
    verbs: kind.verbs,
    subresources: kind.subresources,
    storage: keptPlurals[storage] ?? storage,
    schema,
    behaviour: builtinBehaviour(kind, schema),
    ...conversionOf(kind.apiVersion, kind.kind),
  };
}

const statusOnly: FieldSet = { 'f:status': {} };

function builtinBehaviour({ kind, apiVersion, subresources }: BuiltinKind, schema: SchemaNode): Behaviour {
  const hasStatus = subresources.includes('status');
  const hasGeneration = countedKinds.has(kind);
  const statusNode = schema.properties?.['status'];
  const specFields: FieldSet = { 'f:spec': {}, ...(kind === 'Deployment' && { 'f:metadata': { 'f:labels': {} } }) };
  const preparation = preparationOf(apiVersion, kind);
  const validator = validatorOf(apiVersion, kind);
  return {
    decode: (value: Record<string, unknown>, faults: DecodeFaults) => {
      const shaped = goShape(schema, value, faults);
      return { ...shaped, kind, apiVersion, metadata: shaped['metadata'] } as KubeObject;
    },
    applyDefaults: defaultsOf(apiVersion, kind),
    prepareForCreate: preparation.create,
    prepareForUpdate: preparation.update,
    validate: validator.create,
    validateUpdate: validator.update,
    hasGeneration,
    changesGeneration: (object, old) => changesGeneration(kind, object, old),
    hasStatus,
    initialStatus:
      statusNode?.default === undefined
        ? undefined
        : goShape(statusNode, {}, { unknownFields: [], mismatch: undefined }),
    statusUpdate: (object, old) => {
      const { labels: _, ...metadata } = object.metadata;
      const { labels } = old.metadata;
      return { ...old, metadata: { ...metadata, ...(labels && { labels }) }, status: object['status'] };
    },
    resetFields: { main: hasStatus ? statusOnly : {}, status: specFields },
    allowCreateOnUpdate: createdByUpdate.has(kind),
    allowUnconditionalUpdate: !conditionalUpdates.has(kind),
    returnsDeleted: answeredWithObject.has(kind),
    defaultPropagation: kind === 'Job' || kind === 'ReplicationController' ? 'Orphan' : 'Background',
    custom: false,
  };
}

function changesGeneration(kind: string, object: KubeObject, old: KubeObject): boolean {
  if (kind === 'Deployment' && !deepEqual(object.metadata.annotations, old.metadata.annotations)) return true;
  if ('spec' in object || 'spec' in old) return !deepEqual(object['spec'], old['spec']);
  // Kinds without a spec count every change of their own fields.
  const own = ({ metadata: _, ...fields }: KubeObject) => fields;
  return !deepEqual(own(object), own(old));
}
