import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRecord } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { unsupported } from '../errors/field-error.ts';
import { badRequest, invalid, methodNotSupported, StatusError, unknownPath } from '../errors/status-error.ts';
import type { Cluster, UserInfo } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import { tableOf } from '../tables/table.ts';
import { createObject } from '../verbs/create.ts';
import { type DeleteOptions, deleteObject } from '../verbs/delete.ts';
import { isTrue, listObjects } from '../verbs/list.ts';
import { applyObject, type PatchType, patchObject } from '../verbs/patch.ts';
import { missing, readStored, replaceObject } from '../verbs/update.ts';
import type { WriteOptions } from '../verbs/write-options.ts';
import { type BodyRules, parseBody, parsePatch, parseYaml, readBody, unsupportedType } from './body.ts';
import { listBody, partialList, partialObject } from './list-forms.ts';
import { type AnswerForm, negotiate } from './negotiate.ts';
import type { RequestInfo, ResourceRequest } from './request-info.ts';
import { send } from './respond.ts';
import type { SubresourceHandlers } from './subresources.ts';
import { streamWatch } from './watch-stream.ts';
import { writeOptions } from './write-request.ts';

/** A request for a resource, ready to be answered. */
export interface ResourceCall {
  request: IncomingMessage;
  response: ServerResponse;
  info: RequestInfo;
  target: ResourceRequest;
  resource: Resource;
  user: UserInfo;
  form: AnswerForm;
  options: WriteOptions;
}

/** Answers a request for a resource or one of its objects. */
export async function handleResource(
  cluster: Cluster,
  subresources: SubresourceHandlers,
  request: IncomingMessage,
  response: ServerResponse,
  info: RequestInfo,
  user: UserInfo,
): Promise<void> {
  const target = info.resource;
  const resource = target && cluster.registry.find(target.group, target.version, target.plural);
  if (target === undefined || resource === undefined) throw unknownPath();
  const form = negotiate(request.headers.accept);
  const options = writeOptions(request, info, user);
  const call: ResourceCall = { request, response, info, target, resource, user, form, options };

  if (target.subresource !== '' && target.subresource !== 'status') {
    const handler =
      subresources[`${resource.storage}/${target.subresource}`] ?? subresources[`*/${target.subresource}`];
    if (handler === undefined || !resource.subresources.includes(target.subresource)) throw unknownPath();
    return handler(call);
  }
  if (target.subresource === 'status' && !resource.subresources.includes('status')) throw unknownPath();
  if (!supports(resource, info.verb, target)) {
    throw methodNotAllowed(resource, info.verb);
  }
  const review = subresources[`${resource.storage}/`];
  if (review !== undefined) return review(call);
  return handlers[info.verb]?.(cluster, call);
}

/** Built-in kinds have no route for what they do not support; custom ones share a handler that says so. */
function methodNotAllowed({ behaviour, group, plural }: Resource, verb: string): StatusError {
  if (behaviour.custom) return methodNotSupported({ group, resource: plural }, verb);
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

function supports(resource: Resource, verb: string, target: ResourceRequest): boolean {
  const needsName = verb === 'update' || verb === 'patch';
  if ((verb === 'create' && target.name !== undefined) || (needsName && target.name === undefined)) return false;
  if (target.subresource === 'status') return ['get', 'update', 'patch'].includes(verb);
  return resource.verbs.includes(verb) && handlers[verb] !== undefined;
}

type Handler = (cluster: Cluster, call: ResourceCall) => void | Promise<void>;

const handlers: Readonly<Record<string, Handler>> = {
  get(cluster, call) {
    const { resource, target } = call;
    const object = readStored(cluster, resource, namespaceOf(call), target.name ?? '');
    if (object === undefined) throw missing(resource, target.name ?? '');
    answer(cluster, call, 200, object);
  },
  list(cluster, call) {
    const { resource, target, info, form, response } = call;
    const page = listObjects(cluster, resource, resource.namespaced ? target.namespace : undefined, info.query);
    if (form.as === 'Table') send(response, 200, tableOf(cluster, resource, page.items, page, info.query), form);
    else if (form.as !== undefined) send(response, 200, partialList(page), form);
    else send(response, 200, listBody(resource, page), form);
  },
  watch: streamWatch,
  async create(cluster, call) {
    const { resource, options, request, target } = call;
    if (resource.namespaced && target.namespace === undefined) {
      throw badRequest('an empty namespace may not be set during creation');
    }
    const body = parseBody(await readBody(request), request.headers['content-type'], bodyRules(call));
    answer(cluster, call, 201, await createObject(cluster, resource, namespaceOf(call), body, options));
  },
  async update(cluster, call) {
    const { resource, options, request, target } = call;
    const body = parseBody(await readBody(request), request.headers['content-type'], bodyRules(call));
    const written = await replaceObject(cluster, resource, namespaceOf(call), target.name ?? '', body, options);
    answer(cluster, call, written.created ? 201 : 200, written.object);
  },
  async patch(cluster, call) {
    const { resource, options, request, target, info } = call;
    const name = target.name ?? '';
    const type = patchTypeOf(request, resource);
    const text = await readBody(request);
    if (type === 'apply') {
      const applyOptions = { ...options, force: isTrue(info.query.get('force')) };
      const written = await applyObject(cluster, resource, namespaceOf(call), name, parseYaml(text), applyOptions);
      answer(cluster, call, written.created ? 201 : 200, written.object);
      return;
    }
    const patch = parsePatch(text);
    answer(cluster, call, 200, await patchObject(cluster, resource, namespaceOf(call), name, type, patch, options));
  },
  async delete(cluster, call) {
    const { resource, target } = call;
    const { wanted, options } = await deleteRequest(call);
    const { body } = await deleteObject(cluster, resource, namespaceOf(call), target.name ?? '', wanted, options);
    answer(cluster, call, 200, body as KubeObject);
  },
  async deletecollection(cluster, call) {
    const { resource, target, info, response, form } = call;
    const { wanted, options } = await deleteRequest(call);
    const namespace = resource.namespaced ? target.namespace : undefined;
    const page = listObjects(cluster, resource, namespace, info.query);
    for (const { metadata } of page.items) {
      await deleteObject(cluster, resource, metadata.namespace ?? '', metadata.name, wanted, options).catch(ignoreGone);
    }
    send(response, 200, listBody(resource, page), form, options.warnings);
  },
};

function ignoreGone(error: unknown): void {
  if ((error as { code?: number }).code !== 404) throw error;
}

export function namespaceOf({ resource, target }: ResourceCall): string {
  return resource.namespaced ? (target.namespace ?? '') : '';
}

function bodyRules({ resource, options }: ResourceCall): BodyRules {
  return { kind: resource.kind, strict: options.fieldValidation === 'Strict' };
}

/** Answers with one object in the form that was asked for. */
export function answer(cluster: Cluster, call: ResourceCall, code: number, object: KubeObject): void {
  const { form, response, resource, info, options } = call;
  const isStatus = (object as { kind?: string }).kind === 'Status' && object.metadata.name === undefined;
  if (form.as === 'Table' && !isStatus) {
    const page = { items: [object], resourceVersion: object.metadata.resourceVersion ?? '' };
    send(response, code, tableOf(cluster, resource, page.items, page, info.query), form, options.warnings);
  } else if (form.as === 'PartialObjectMetadata' && !isStatus) {
    send(response, code, partialObject(object), form, options.warnings);
  } else send(response, code, object, form, options.warnings);
}

const patchTypes: Readonly<Record<string, PatchType | 'apply'>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

function patchTypeOf(request: IncomingMessage, resource: Resource): PatchType | 'apply' {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  const known = patchTypes[type];
  // Custom resources have no strategic merge patch.
  const accepted = Object.keys(patchTypes).filter((one) => !(resource.behaviour.custom && one.includes('strategic')));
  if (known === undefined || !accepted.includes(type)) throw unsupportedType(accepted.join(', '));
  return known;
}

/** What a delete asks for, in its query and its body (`meta/v1 DeleteOptions`). */
async function deleteRequest(call: ResourceCall): Promise<{ wanted: DeleteOptions; options: WriteOptions }> {
  const { request, info, options } = call;
  const text = await readBody(request);
  const parsed = text === '' ? {} : parseBody(text, request.headers['content-type'], { kind: 'DeleteOptions' });
  if (!isRecord(parsed)) throw badRequest('the body of a delete is DeleteOptions');
  const { orphanDependents, dryRun, ...body } = parsed;
  const propagationPolicy = info.query.get('propagationPolicy');
  const grace = info.query.get('gracePeriodSeconds');
  const wanted = {
    ...(orphanDependents !== undefined && { propagationPolicy: orphanDependents === true ? 'Orphan' : 'Background' }),
    ...(propagationPolicy !== null && { propagationPolicy }),
    ...(grace !== null && { gracePeriodSeconds: Number(grace) }),
    ...body,
  } as DeleteOptions;
  checkDeleteOptions(wanted);
  const isDryRun = options.dryRun || (Array.isArray(dryRun) && dryRun.includes('All'));
  return { wanted, options: { ...options, dryRun: isDryRun } };
}

function checkDeleteOptions({ propagationPolicy }: DeleteOptions): void {
  const known = ['Background', 'Foreground', 'Orphan'];
  if (propagationPolicy === undefined || propagationPolicy === null || known.includes(propagationPolicy)) return;
  const fault = unsupported('propagationPolicy', propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil']);
  throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [fault]);
}
