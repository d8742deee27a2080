import { isRecord, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { invalidValue } from '../errors/field-error.ts';
import { badRequest, invalid, methodNotSupported, StatusError } from '../errors/status-error.ts';
import type { Cluster } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import { selectorText } from '../tables/cells.ts';
import { deleteObject } from '../verbs/delete.ts';
import { applyPatch, patchObject } from '../verbs/patch.ts';
import { missing, readStored } from '../verbs/update.ts';
import { parseBody, parsePatch, readBody } from './body.ts';
import { namespaceOf, type ResourceCall } from './resource-handler.ts';
import { send } from './respond.ts';
import type { SubresourceHandlers } from './subresources.ts';

/** Subresources of stored objects: scale, logs, eviction, binding, and the end of a namespace. */
export function objectSubresources(cluster: Cluster): SubresourceHandlers {
  const notRun = () => {
    throw badRequest(
      'the sandbox runs no containers: there are no logs, and nothing to attach to or to forward ports to',
    );
  };
  return {
    '*/scale': (call) => scale(cluster, call),
    '/pods/log': notRun,
    '/pods/exec': notRun,
    '/pods/attach': notRun,
    '/pods/portforward': notRun,
    '*/proxy': notRun,
    '/pods/eviction': (call) => evict(cluster, call),
    '/pods/binding': (call) => bind(cluster, call),
    '/namespaces/finalize': (call) => finalize(cluster, call),
  };
}

function stored(cluster: Cluster, call: ResourceCall): KubeObject {
  const name = call.target.name ?? '';
  const object = readStored(cluster, call.resource, namespaceOf(call), name);
  if (object === undefined) throw missing(call.resource, name);
  return object;
}

function atPath(object: KubeObject, path: string): unknown {
  return valueAt(object, ...path.split('.').filter((step) => step !== ''));
}

/** `autoscaling/v1 Scale` of an object. */
function scaleOf(resource: Resource, object: KubeObject): Record<string, unknown> {
  const {
    specReplicasPath = '.spec.replicas',
    statusReplicasPath = '.status.replicas',
    labelSelectorPath,
  } = resource.scalePaths ?? {};
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector =
    labelSelectorPath === undefined
      ? selectorText(valueAt(object, 'spec', 'selector'))
      : atPath(object, labelSelectorPath);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: atPath(object, specReplicasPath) ?? 0 },
    status: {
      replicas: atPath(object, statusReplicasPath) ?? 0,
      ...(typeof selector === 'string' && selector !== '<none>' && { selector }),
    },
  };
}

async function scale(cluster: Cluster, call: ResourceCall): Promise<void> {
  const { info, resource, request, response, form, options, target } = call;
  const object = stored(cluster, call);
  if (info.verb === 'get') return send(response, 200, scaleOf(resource, object), form);
  if (info.verb !== 'update' && info.verb !== 'patch') {
    throw methodNotSupported({ group: resource.group, resource: resource.plural }, info.verb);
  }
  const before = scaleOf(resource, object);
  const contentType = request.headers['content-type'];
  const text = await readBody(request);
  const body = info.verb === 'update' ? parseBody(text, contentType, { kind: 'Scale' }) : parsePatch(text);
  const patchType = contentType?.startsWith('application/json-patch') ? 'json' : 'merge';
  const wanted = info.verb === 'update' ? body : applyPatch(resource, before, patchType, body);
  const replicas = valueAt(wanted, 'spec', 'replicas') ?? 0;
  if (typeof replicas !== 'number' || replicas < 0) {
    const fault = invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0');
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, target.name ?? '', [fault]);
  }
  const resourceVersion = valueAt(wanted, 'metadata', 'resourceVersion');
  const steps = (resource.scalePaths?.specReplicasPath ?? '.spec.replicas').split('.').filter((step) => step !== '');
  const change = steps.reduceRight<unknown>((value, step) => ({ [step]: value }), replicas) as Record<string, unknown>;
  const precondition = resourceVersion === undefined ? {} : { metadata: { resourceVersion } };
  const patch = { ...change, ...precondition };
  const written = await patchObject(cluster, resource, namespaceOf(call), target.name ?? '', 'merge', patch, {
    ...options,
    subresource: '',
  });
  send(response, 200, scaleOf(resource, written), form, options.warnings);
}

async function evict(cluster: Cluster, call: ResourceCall): Promise<void> {
  const { resource, request, response, form, options, target } = call;
  const body = parseBody(await readBody(request), request.headers['content-type'], { kind: 'Eviction' });
  const wanted = isRecord(body) && isRecord(body['deleteOptions']) ? body['deleteOptions'] : {};
  await deleteObject(cluster, resource, namespaceOf(call), target.name ?? '', wanted, { ...options, subresource: '' });
  send(response, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, form);
}

async function bind(cluster: Cluster, call: ResourceCall): Promise<void> {
  const { resource, request, response, form, options, target } = call;
  const pod = stored(cluster, call);
  const body = parseBody(await readBody(request), request.headers['content-type'], { kind: 'Binding' });
  const node = valueAt(body, 'target', 'name');
  if (valueAt(pod, 'spec', 'nodeName')) {
    const why = `pod ${target.name} is already assigned to node ${JSON.stringify(valueAt(pod, 'spec', 'nodeName'))}`;
    throw new StatusError(
      409,
      'Conflict',
      `Operation cannot be fulfilled on pods/binding ${JSON.stringify(target.name)}: ${why}`,
    );
  }
  const patch = { spec: { nodeName: node } };
  await patchObject(cluster, resource, namespaceOf(call), target.name ?? '', 'merge', patch, {
    ...options,
    subresource: '',
  });
  send(response, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, form);
}

/** `PUT …/namespaces/NAME/finalize`: sets the namespace's own finalizers; a deleted one without any is gone. */
async function finalize(cluster: Cluster, call: ResourceCall): Promise<void> {
  const { resource, request, response, form } = call;
  const namespace = stored(cluster, call);
  const body = parseBody(await readBody(request), request.headers['content-type'], { kind: 'Namespace' });
  const finalizers = valueAt(body, 'spec', 'finalizers');
  const spec = Array.isArray(finalizers) && finalizers.length > 0 ? { finalizers } : {};
  const updated = cluster.store.put(resource.storage, { ...namespace, spec });
  const { metadata } = updated;
  if (metadata.deletionTimestamp !== undefined && !metadata.finalizers?.length && !('finalizers' in spec)) {
    cluster.store.remove(resource.storage, updated);
  }
  send(response, 200, updated, form);
}
