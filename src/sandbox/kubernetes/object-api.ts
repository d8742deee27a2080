import { randomBytes, randomUUID } from 'node:crypto';
import { formatTime } from '../../base/clock.ts';
import { deepEqual, isRecord, textAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { dropUnknown } from './crd-schema.ts';
import { applyConfig, trackUpdate, type Writer } from './managed-fields.ts';
import { wrongType } from './normalise.ts';
import { jsonPatch, mergePatch, strategicMergePatch } from './patch.ts';
import { cleanObject, completeObject, decodeBody, type FieldValidation, requireValid } from './prepare.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import {
  ApiFailure,
  alreadyExists,
  badRequest,
  conflict,
  invalidObject,
  modifiedMeanwhile,
  notFound,
  required,
} from './status.ts';
import { type ObjectStore, storeKey } from './store.ts';
import { ListKeyError } from './typed-value.ts';

/** Where a request wants to write, and how. */
export interface WriteRequest {
  resource: Resource;
  namespace: string;
  name: string;
  subresource?: string;
  manager: string;
  dryRun: boolean;
  force: boolean;
  fieldValidation: FieldValidation;
  /** Warnings for the client, to be filled. */
  warnings: string[];
}

export interface WriteResult {
  object: KubeObject;
  created: boolean;
}

export interface DeleteOptions {
  propagation: 'Background' | 'Foreground' | 'Orphan';
  uid?: string;
  resourceVersion?: string;
  dryRun: boolean;
}

export const patchTypes = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
  'application/apply-patch+cbor': 'apply',
} as const;

/** What mutating webhooks do to an object that is being created. */
export type Admission = (object: KubeObject) => KubeObject;

/** Reads and writes objects by the rules of the API, over a store. */
export class ObjectApi {
  readonly #store: ObjectStore;
  readonly #admit: Admission;

  constructor(store: ObjectStore, admit: Admission = (object) => object) {
    this.#store = store;
    this.#admit = admit;
  }

  get(resource: Resource, namespace: string, name: string): KubeObject {
    const object = this.#store.get(storeKey(resource, namespace, name));
    if (object === undefined) throw notFound(resource, name);
    return served(resource, object);
  }

  create(body: unknown, request: WriteRequest): WriteResult {
    const { resource, namespace } = request;
    const decoded = decodeBody(resource, body, request.fieldValidation, request.warnings);
    if (decoded.metadata.namespace !== undefined && decoded.metadata.namespace !== namespace && resource.namespaced) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
    const name = nameFor(decoded);
    if (name === '') throw invalidObject(resource, '', [required('metadata.name', 'name or generateName is required')]);
    this.#requireNamespace(request);
    const key = storeKey(resource, namespace, name);
    if (this.#store.get(key) !== undefined) throw alreadyExists(resource, name);
    const object = this.#admit(this.#born(decoded, name, request));
    const tracked = trackUpdate(undefined, object, this.#context(request, 'Update'));
    return { object: this.#write(key, allocate(tracked), request), created: true };
  }

  update(body: unknown, request: WriteRequest): WriteResult {
    const { resource, name } = request;
    const decoded = decodeBody(resource, body, request.fieldValidation, request.warnings);
    if (decoded.metadata.name !== undefined && decoded.metadata.name !== name) {
      throw badRequest(
        `the name of the object (${decoded.metadata.name}) does not match the name on the URL (${name})`,
      );
    }
    const before = this.get(resource, request.namespace, name);
    return { object: this.#replace(before, decoded, request), created: false };
  }

  patch(type: (typeof patchTypes)[keyof typeof patchTypes], body: unknown, request: WriteRequest): WriteResult {
    if (type === 'apply') return this.#apply(body, request);
    const before = this.get(request.resource, request.namespace, request.name);
    const after =
      type === 'json'
        ? jsonPatch(before, body)
        : type === 'merge'
          ? mergePatch(before, body)
          : this.#strategic(before, body, request);
    if (!isRecord(after)) throw badRequest('the patched object is not an object');
    const patchedVersion = textAt(after, 'metadata', 'resourceVersion');
    if (patchedVersion !== undefined && patchedVersion !== before.metadata.resourceVersion) {
      throw conflict(request.resource, request.name, modifiedMeanwhile);
    }
    const wrong = request.resource.isCustom ? undefined : wrongType(after, request.resource.schema);
    if (wrong !== undefined) {
      const message = `Invalid value: ${JSON.stringify(body)}: json: cannot unmarshal into ${wrong.wanted}`;
      throw invalidObject(request.resource, request.name, [{ field: 'patch', type: 'Invalid', message }]);
    }
    const decoded = decodeBody(request.resource, after, request.fieldValidation, request.warnings);
    return { object: this.#replace(before, decoded, request), created: false };
  }

  /** The object as it is now, when it goes later because of finalizers, or undefined when it is gone. */
  delete(resource: Resource, namespace: string, name: string, options: DeleteOptions): KubeObject | undefined {
    const object = this.get(resource, namespace, name);
    const { metadata } = object;
    if (options.uid !== undefined && options.uid !== metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${metadata.uid}`;
      throw conflict(resource, name, why);
    }
    if (options.resourceVersion !== undefined && options.resourceVersion !== metadata.resourceVersion) {
      const why = `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`;
      throw conflict(resource, name, why);
    }
    const finalizers = [...(metadata.finalizers ?? []), ...propagationFinalizers(options.propagation)];
    const isHeld = finalizers.length > 0 || (object.kind === 'Namespace' && resource.group === '');
    if (options.dryRun) return isHeld ? object : undefined;
    const key = storeKey(resource, namespace, name);
    if (!isHeld) {
      this.#store.delete(key);
      return undefined;
    }
    if (metadata.deletionTimestamp !== undefined) return object;
    const going = {
      ...object,
      metadata: {
        ...metadata,
        ...(finalizers.length === 0 ? {} : { finalizers }),
        deletionTimestamp: formatTime(Date.now()),
        deletionGracePeriodSeconds: 0,
        ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
      },
      ...(object.kind === 'Namespace' ? { status: { phase: 'Terminating' } } : {}),
    };
    return this.#store.put(key, going);
  }

  #apply(body: unknown, request: WriteRequest): WriteResult {
    const { resource, namespace, name } = request;
    if (!isRecord(body) || typeof body['apiVersion'] !== 'string' || typeof body['kind'] !== 'string') {
      throw badRequest('invalid object type: apiVersion and kind are required for apply');
    }
    const config = {
      ...body,
      metadata: { ...(isRecord(body['metadata']) ? body['metadata'] : {}) },
    } as unknown as KubeObject;
    if (config.metadata.name !== undefined && config.metadata.name !== name) {
      throw badRequest(`the name of the object (${config.metadata.name}) does not match the name on the URL (${name})`);
    }
    if (config.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
    this.#requireTyped(resource, config);
    const key = storeKey(resource, namespace, name);
    const stored = this.#store.get(key);
    if (stored === undefined) {
      this.#requireNamespace(request);
      if (config.metadata.uid !== undefined)
        throw conflict(
          resource,
          name,
          `uid mismatch: the provided object specified uid ${config.metadata.uid}, and no existing object was found`,
        );
    }
    const live = stored === undefined ? this.#blank(request) : served(resource, stored);
    if (
      config.metadata.resourceVersion !== undefined &&
      config.metadata.resourceVersion !== live.metadata.resourceVersion
    ) {
      throw conflict(resource, name, modifiedMeanwhile);
    }
    const applied = this.#merged(live, this.#writable(config, request), request);
    if (stored === undefined) {
      const object = this.#born(applied, name, request);
      return {
        object: this.#write(
          key,
          allocate({ ...object, metadata: { ...object.metadata, managedFields: applied.metadata.managedFields } }),
          request,
        ),
        created: true,
      };
    }
    const complete = completeObject(resource, applied);
    return { object: this.#storeChanged(key, live, keepUnwritable(live, complete, request), request), created: false };
  }

  #merged(live: KubeObject, config: KubeObject, request: WriteRequest): KubeObject {
    try {
      return applyConfig(live, config, this.#context(request, 'Apply'), request.force);
    } catch (error) {
      if (error instanceof ListKeyError)
        throw new ApiFailure(500, '', `failed to create typed patch object: ${error.message}`);
      throw error;
    }
  }

  /** A configuration with unknown or wrongly typed fields has no typed form; the real server answers 500. */
  #requireTyped(resource: Resource, config: KubeObject): void {
    if (resource.isCustom) return;
    const unknown: string[] = [];
    dropUnknown(config, resource.schema, '', unknown);
    const wrong = wrongType(config, resource.schema);
    const where = `failed to create typed patch object (${config.metadata.namespace ?? ''}/${config.metadata.name}; ${config.apiVersion}, Kind=${config.kind})`;
    if (unknown.length > 0) throw new ApiFailure(500, '', `${where}: .${unknown[0]}: field not declared in schema`);
    if (wrong !== undefined) throw new ApiFailure(500, '', `${where}: ${wrong.path}: expected ${wrong.wanted}`);
  }

  /** What the endpoint lets a configuration write: not status on the object itself, nothing but status on its subresource. */
  #writable(config: KubeObject, { resource, subresource, namespace, name }: WriteRequest): KubeObject {
    const { status, ...rest } = config;
    const metadata = { ...config.metadata, name, ...(resource.namespaced ? { namespace } : {}) };
    if (subresource === 'status') {
      const own = { name: metadata.name, ...(resource.namespaced ? { namespace } : {}) };
      return {
        apiVersion: config.apiVersion,
        kind: config.kind,
        metadata: own,
        ...(status === undefined ? {} : { status }),
      };
    }
    return resource.subresources.includes('status') ? ({ ...rest, metadata } as KubeObject) : { ...config, metadata };
  }

  #strategic(before: KubeObject, body: unknown, { resource }: WriteRequest): unknown {
    if (resource.isCustom) {
      throw new ApiFailure(
        415,
        'UnsupportedMediaType',
        'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
      );
    }
    return strategicMergePatch(before, body, resource.schema);
  }

  #replace(before: KubeObject, wanted: KubeObject, request: WriteRequest): KubeObject {
    const { resource, name, namespace } = request;
    const version = wanted.metadata.resourceVersion;
    if (version !== undefined && version !== before.metadata.resourceVersion)
      throw conflict(resource, name, modifiedMeanwhile);
    if (wanted.metadata.uid !== undefined && wanted.metadata.uid !== before.metadata.uid) {
      throw conflict(
        resource,
        name,
        `Precondition failed: UID in precondition: ${wanted.metadata.uid}, UID in object meta: ${before.metadata.uid}`,
      );
    }
    const after = keepUnwritable(before, wanted, request);
    const complete = cleanObject(resource, completeObject(resource, after));
    const resets = Array.isArray(wanted.metadata.managedFields) && wanted.metadata.managedFields.length === 0;
    const owned = {
      ...before,
      metadata: { ...before.metadata, managedFields: resets ? undefined : before.metadata.managedFields },
    };
    const tracked = trackUpdate(owned, complete, this.#context(request, 'Update'));
    return this.#storeChanged(storeKey(resource, namespace, name), before, tracked, request);
  }

  /** Stores a new state of an existing object, unless nothing has changed. */
  #storeChanged(key: string, before: KubeObject, after: KubeObject, request: WriteRequest): KubeObject {
    const { resource } = request;
    const object = keepAllocated(before, withGeneration(before, after, resource));
    requireValid(resource, object, before);
    if (deepEqual(withoutTimes(before), withoutTimes(object))) return before;
    if (
      object.metadata.deletionTimestamp !== undefined &&
      (object.metadata.finalizers ?? []).length === 0 &&
      !isHeldNamespace(object)
    ) {
      if (!request.dryRun) this.#store.delete(key);
      return object;
    }
    return this.#write(key, object, request);
  }

  #born(decoded: KubeObject, name: string, { resource, namespace }: WriteRequest): KubeObject {
    const { resourceVersion: _v, managedFields: _m, ...given } = decoded.metadata;
    const metadata = {
      ...given,
      name,
      ...(resource.namespaced ? { namespace } : {}),
      uid: randomUUID(),
      creationTimestamp: formatTime(Date.now()),
      ...(hasGeneration(resource) ? { generation: 1 } : {}),
    };
    const { status: _status, ...rest } = decoded;
    const body = resource.subresources.includes('status') ? rest : decoded;
    const object = cleanObject(
      resource,
      completeObject(resource, { ...body, apiVersion: decoded.apiVersion, kind: decoded.kind, metadata }),
    );
    requireValid(resource, object, undefined);
    return object;
  }

  #blank({ resource, namespace, name }: WriteRequest): KubeObject {
    return {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { name, ...(resource.namespaced ? { namespace } : {}) },
    };
  }

  #write(key: string, object: KubeObject, { dryRun }: WriteRequest): KubeObject {
    return dryRun ? object : this.#store.put(key, object);
  }

  #context({ resource, manager, subresource }: WriteRequest, operation: Writer['operation']) {
    const writer: Writer = {
      manager,
      operation,
      apiVersion: apiVersionOf(resource),
      ...(subresource === undefined ? {} : { subresource }),
    };
    return { schema: resource.schema, writer, now: formatTime(Date.now()) };
  }

  #requireNamespace({ resource, namespace, name }: WriteRequest): void {
    if (!resource.namespaced) return;
    const core = { group: '', plural: 'namespaces', kind: 'Namespace' };
    const object = this.#store.get(storeKey(core, '', namespace));
    if (object === undefined) throw notFound(core, namespace);
    if (object.metadata.deletionTimestamp === undefined) return;
    const qualified = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    throw new ApiFailure(403, 'Forbidden', `${qualified} "${name}" is forbidden: ${why}`, {
      name,
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.plural,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    });
  }
}

/** A stored object in the version that is asked for; all versions of a kind have one schema here. */
export function served(resource: Resource, object: KubeObject): KubeObject {
  const apiVersion = apiVersionOf(resource);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

function nameFor({ metadata }: KubeObject): string {
  if (typeof metadata.name === 'string' && metadata.name !== '') return metadata.name;
  if (typeof metadata.generateName !== 'string' || metadata.generateName === '') return '';
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return metadata.generateName + [...randomBytes(5)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

const withGenerationKinds = new Set([
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'Job',
  'CronJob',
  'Pod',
  'Ingress',
  'NetworkPolicy',
  'PodDisruptionBudget',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
]);

function hasGeneration(resource: Resource): boolean {
  return resource.isCustom || withGenerationKinds.has(resource.kind);
}

function withGeneration(before: KubeObject, after: KubeObject, resource: Resource): KubeObject {
  if (!hasGeneration(resource)) return after;
  const generation = before.metadata.generation ?? 1;
  const changed = !deepEqual(desired(before, resource), desired(after, resource));
  return { ...after, metadata: { ...after.metadata, generation: changed ? generation + 1 : generation } };
}

/** What an owner asks for: everything but metadata and, where it is a subresource, status. */
function desired(object: KubeObject, { subresources }: Resource): unknown {
  const { metadata: _m, status, ...rest } = object;
  return subresources.includes('status') ? rest : { ...rest, status };
}

/** Fields that a write to this endpoint leaves as they are. */
function keepUnwritable(before: KubeObject, wanted: KubeObject, { resource, subresource }: WriteRequest): KubeObject {
  const { uid, creationTimestamp, generation, deletionTimestamp, namespace, name } = before.metadata;
  const deletion = deletionTimestamp === undefined ? {} : { deletionTimestamp, deletionGracePeriodSeconds: 0 };
  const { deletionTimestamp: _d, resourceVersion: _r, ...given } = wanted.metadata;
  const system = {
    name,
    uid,
    creationTimestamp,
    resourceVersion: before.metadata.resourceVersion,
    ...(generation === undefined ? {} : { generation }),
    ...(namespace === undefined ? {} : { namespace }),
    ...deletion,
  };
  if (subresource === 'status') {
    const status = wanted['status'] === undefined ? {} : { status: wanted['status'] };
    const { status: _s, ...rest } = before;
    return { ...rest, ...status, metadata: { ...before.metadata, managedFields: given.managedFields } };
  }
  const { status: _s, ...rest } = wanted;
  const kept = before['status'] === undefined ? {} : { status: before['status'] };
  const body = resource.subresources.includes('status') ? { ...rest, ...kept } : wanted;
  return { ...body, apiVersion: wanted.apiVersion, kind: wanted.kind, metadata: { ...given, ...system } };
}

function withoutTimes(object: KubeObject): unknown {
  const { managedFields, resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, managedFields: managedFields?.map(({ time: _t, ...entry }) => entry) } };
}

function isHeldNamespace(object: KubeObject): boolean {
  const finalizers = isRecord(object['spec']) ? object['spec']['finalizers'] : undefined;
  return object.kind === 'Namespace' && Array.isArray(finalizers) && finalizers.length > 0;
}

function propagationFinalizers(propagation: DeleteOptions['propagation']): string[] {
  if (propagation === 'Foreground') return ['foregroundDeletion'];
  return propagation === 'Orphan' ? ['orphan'] : [];
}

/** What the server itself allots to a new object: the cluster address of a Service. It belongs to no manager. */
function allocate(object: KubeObject): KubeObject {
  const spec = object['spec'];
  if (
    object.kind !== 'Service' ||
    !isRecord(spec) ||
    spec['type'] === 'ExternalName' ||
    spec['clusterIP'] !== undefined
  )
    return object;
  // Any address of the service range will do, as nothing routes it; the object's own id picks one.
  const number = Number.parseInt(object.metadata.uid?.slice(0, 4) ?? '1', 16);
  const address = `10.96.${number >> 8}.${number & 255}`;
  return { ...object, spec: { ...spec, clusterIP: address, clusterIPs: [address] } };
}

/** A Service keeps its address where a write leaves it out. */
function keepAllocated(before: KubeObject, after: KubeObject): KubeObject {
  const [old, spec] = [before['spec'], after['spec']];
  if (after.kind !== 'Service' || !isRecord(old) || !isRecord(spec) || spec['clusterIP'] !== undefined) return after;
  return { ...after, spec: { ...spec, clusterIP: old['clusterIP'], clusterIPs: old['clusterIPs'] } };
}
