import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import type { Registry } from '../kinds/registry.ts';
import type { Resource } from '../kinds/resource.ts';

/** `GET /openapi/v3`: where the document of each group version is. */
export function openapiIndex(registry: Registry): unknown {
  const paths: Record<string, unknown> = {};
  for (const { group, versions } of registry.groups()) {
    for (const version of versions) {
      const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${registry.revision()}` };
    }
  }
  return { paths };
}

/** The OpenAPI v3 document of one group version (`api/v1`, `apis/apps/v1`); undefined where nothing of it is served. */
export function openapiDocument(registry: Registry, path: string): unknown {
  const match = /^(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path);
  if (match === null) return undefined;
  const resources = registry.ofVersion(match[1] ?? '', match[2] ?? '');
  if (resources.length === 0) return undefined;
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, unknown> = {};
  for (const resource of resources) {
    const name = schemaName(resource);
    collect(resource.schema, name, schemas);
    schemas[name] = { ...(schemas[name] as object), 'x-kubernetes-group-version-kind': [typeOf(resource)] };
    Object.assign(paths, pathsOf(resource, name));
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.36.0' }, paths, components: { schemas } };
}

function typeOf({ group, version, kind }: Resource): unknown {
  return { group, version, kind };
}

function schemaName({ schema, group, version, kind }: Resource): string {
  return schema.definition ?? [...group.split('.').reverse(), version, kind].join('.');
}

/** Writes the definition of a node and of all that it refers to. */
function collect(node: SchemaNode, name: string, schemas: Record<string, unknown>): void {
  if (schemas[name] !== undefined) return;
  schemas[name] = {};
  schemas[name] = schemaOf(node, schemas);
}

function reference(node: SchemaNode, schemas: Record<string, unknown>): unknown {
  const { definition } = node;
  if (definition === undefined) return schemaOf(node, schemas);
  collect(node, definition, schemas);
  const ref = { $ref: `#/components/schemas/${definition}` };
  return node.default === undefined ? ref : { allOf: [ref], default: node.default };
}

function schemaOf(node: SchemaNode, schemas: Record<string, unknown>): Record<string, unknown> {
  const { type, format, required, listType, mapKeys, mapType, patchMergeKey, patchStrategy, oneOf } = node;
  const result: Record<string, unknown> = {
    ...(node.description !== undefined && { description: node.description }),
    ...(type !== undefined && { type }),
    ...(format !== undefined && { format }),
    ...(oneOf !== undefined && { oneOf: oneOf.map((one) => ({ type: one })) }),
    ...(required !== undefined && { required }),
    ...(node.enum !== undefined && { enum: node.enum }),
    ...(node.default !== undefined && node.definition === undefined && { default: node.default }),
    ...(listType !== undefined && { 'x-kubernetes-list-type': listType }),
    ...(mapKeys !== undefined && { 'x-kubernetes-list-map-keys': mapKeys }),
    ...(mapType !== undefined && { 'x-kubernetes-map-type': mapType }),
    ...(patchMergeKey !== undefined && { 'x-kubernetes-patch-merge-key': patchMergeKey }),
    ...(patchStrategy !== undefined && { 'x-kubernetes-patch-strategy': patchStrategy }),
  };
  if (node.properties !== undefined) {
    const entries = Object.entries(node.properties).map(([field, child]) => [field, reference(child, schemas)]);
    result['properties'] = Object.fromEntries(entries);
  }
  if (node.values !== undefined) result['additionalProperties'] = reference(node.values, schemas);
  if (node.items !== undefined) result['items'] = reference(node.items, schemas);
  return result;
}

const writeParameters = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
}));

const actions: Readonly<Record<string, [method: string, action: string, one: boolean]>> = {
  list: ['get', 'list', false],
  create: ['post', 'post', false],
  deletecollection: ['delete', 'deletecollection', false],
  get: ['get', 'get', true],
  update: ['put', 'put', true],
  patch: ['patch', 'patch', true],
  delete: ['delete', 'delete', true],
};

function pathsOf(resource: Resource, schema: string): Record<string, unknown> {
  const { group, version, plural, namespaced } = resource;
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = `${base}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
  const result: Record<string, Record<string, unknown>> = { [collection]: {}, [`${collection}/{name}`]: {} };
  const body = { content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } } };
  for (const verb of resource.verbs) {
    const known = actions[verb];
    if (known === undefined) continue;
    const [method, action, one] = known;
    const place = result[one ? `${collection}/{name}` : collection];
    if (place === undefined) continue;
    place[method] = {
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': typeOf(resource),
      ...(method !== 'get' && { parameters: writeParameters }),
      responses: { 200: { description: 'OK', ...body } },
    };
  }
  return result;
}
