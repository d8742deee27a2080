import { apiVersionOf, type Resource, type ResourceRegistry } from './resources.ts';
import type { ApiSchema } from './schema.ts';

/** The index of OpenAPI v3 documents, one per group and version. */
export function openApiIndex(registry: ResourceRegistry): Record<string, unknown> {
  const paths: Record<string, unknown> = {};
  for (const resource of registry.all()) {
    const path = documentPath(resource);
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}` };
  }
  return { paths };
}

function documentPath({ group, version }: Resource): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

/** The OpenAPI v3 document of a group and version: what kubectl explains from and learns field validation from. */
export function openApiDocument(registry: ResourceRegistry, path: string): Record<string, unknown> | undefined {
  const resources = registry.all().filter((resource) => documentPath(resource) === path);
  if (resources.length === 0) return undefined;
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, unknown> = {};
  for (const resource of resources) {
    const name = schemaName(resource);
    schemas[name] = { ...renderSchema(resource.schema, 0), 'x-kubernetes-group-version-kind': [gvk(resource)] };
    const root = `/${path}${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.plural}`;
    paths[root] = { get: operation(resource, 'list'), post: operation(resource, 'post') };
    paths[`${root}/{name}`] = {
      get: operation(resource, 'get'),
      patch: operation(resource, 'patch'),
      put: operation(resource, 'put'),
    };
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.36.0' }, paths, components: { schemas } };
}

function gvk({ group, version, kind }: Resource): Record<string, string> {
  return { group, version, kind };
}

function schemaName(resource: Resource): string {
  return `${apiVersionOf(resource).replaceAll('/', '.')}.${resource.kind}`;
}

function operation(resource: Resource, action: string): Record<string, unknown> {
  const names =
    action === 'get' || action === 'list' ? ['pretty'] : ['dryRun', 'fieldManager', 'fieldValidation', 'pretty'];
  const content = { 'application/json': { schema: { $ref: `#/components/schemas/${schemaName(resource)}` } } };
  return {
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk(resource),
    parameters: names.map((name) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } })),
    responses: { 200: { description: 'OK', content } },
  };
}

/** Definitions refer to themselves (JSONSchemaProps); nobody explains deeper than this. */
const deepest = 12;

function renderSchema(node: ApiSchema, depth: number): Record<string, unknown> {
  const schema: Record<string, unknown> = {};
  if (node.type !== undefined) schema['type'] = node.type;
  else if (node.oneOf !== undefined) schema['oneOf'] = node.oneOf.map((type) => ({ type }));
  if (node.format !== undefined) schema['format'] = node.format;
  if (node.required !== undefined) schema['required'] = node.required;
  if (node.enum !== undefined) schema['enum'] = node.enum;
  if (node.listType !== undefined) schema['x-kubernetes-list-type'] = node.listType;
  if (node.mapKeys !== undefined) schema['x-kubernetes-list-map-keys'] = node.mapKeys;
  if (depth >= deepest) return schema;
  if (node.items !== undefined) schema['items'] = renderSchema(node.items, depth + 1);
  if (node.values !== undefined) schema['additionalProperties'] = renderSchema(node.values, depth + 1);
  if (node.properties !== undefined) {
    schema['properties'] = Object.fromEntries(
      Object.entries(node.properties).map(([name, property]) => [name, renderSchema(property, depth + 1)]),
    );
  }
  return schema;
}
