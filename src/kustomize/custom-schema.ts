import { isRecord } from '../base/json.ts';
import { parseFirstDocument } from '../yaml/documents.ts';
import { buildError } from './build-error.ts';
import type { CustomSchema, MergeNode } from './kubernetes-schema.ts';

type Fields = Record<string, unknown>;

const kindsExtension = 'x-kubernetes-group-version-kind';

/** An OpenAPI document (swagger 2.0, JSON or YAML) as far as patches need it. Throws KUSTOMIZE_BUILD_FAILED and YAML_INVALID. */
export function readCustomSchema(text: string, where: string): CustomSchema {
  const document = parseFirstDocument(text, where, { oldBooleans: true, lastKeyWins: true });
  if (!isRecord(document)) throw buildError(where, 'an OpenAPI document should be a mapping');
  const definitions = isRecord(document['definitions']) ? document['definitions'] : {};
  const mergeNodes = new Map<string, MergeNode>();
  for (const definition of Object.values(definitions).filter(isRecord)) {
    const kinds = definition[kindsExtension];
    for (const kind of Array.isArray(kinds) ? kinds : []) {
      const key = kindKey(kind);
      if (key !== undefined) mergeNodes.set(key, nodeOf(definition, definitions));
    }
  }
  return { mergeNodes, scopes: scopesOf(document['paths']) };
}

/** A path with a namespace in it makes a kind namespaced; a path without one, if it is all there is, does not. */
function scopesOf(paths: unknown): Map<string, boolean> {
  const scopes = new Map<string, boolean>();
  for (const [path, item] of Object.entries(isRecord(paths) ? paths : {})) {
    const get = isRecord(item) ? item['get'] : undefined;
    const key = isRecord(get) ? kindKey(get[kindsExtension]) : undefined;
    if (key === undefined) continue;
    if (path.includes('namespaces/{namespace}')) scopes.set(key, true);
    else if (!scopes.has(key)) scopes.set(key, false);
  }
  return scopes;
}

function kindKey(value: unknown): string | undefined {
  if (!isRecord(value) || typeof value['version'] !== 'string' || typeof value['kind'] !== 'string') return undefined;
  const { group, version, kind } = value;
  return typeof group === 'string' && group !== '' ? `${group}/${version}/${kind}` : `${version}/${kind}`;
}

/** Read as far as it is asked for, as definitions may refer to themselves. */
function nodeOf(schema: Fields, definitions: Fields): MergeNode {
  const child = (value: unknown) => (isRecord(value) ? nodeOf(resolved(value, definitions), definitions) : undefined);
  const keys = mergeKeysOf(schema);
  return {
    ...(keys === undefined ? {} : { keys }),
    get items() {
      return child(schema['items']) as MergeNode;
    },
    field(name) {
      const properties = isRecord(schema['properties']) ? schema['properties'] : {};
      return Object.hasOwn(properties, name) ? child(properties[name]) : child(schema['additionalProperties']);
    },
  };
}

function mergeKeysOf(schema: Fields): readonly string[] | undefined {
  const strategy = schema['x-kubernetes-patch-strategy'];
  if (typeof strategy !== 'string' || !strategy.split(',').includes('merge')) return undefined;
  const keys = schema['x-kubernetes-list-map-keys'];
  if (Array.isArray(keys)) return keys.map(String);
  const key = schema['x-kubernetes-patch-merge-key'];
  return typeof key === 'string' ? [key] : [];
}

function resolved(schema: Fields, definitions: Fields): Fields {
  let current = schema;
  for (let steps = 0; typeof current['$ref'] === 'string' && steps < 100; steps++) {
    const target = definitions[current['$ref'].replace('#/definitions/', '')];
    if (!isRecord(target)) return {};
    current = target;
  }
  return current;
}
