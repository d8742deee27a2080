import { type BuiltinKind, builtinDefinition, builtinKinds } from '../../api/builtin/builtin-kinds.ts';
import { isRecord, textAt, valueAt } from '../../base/json.ts';
import { groupOf, type KubeObject, versionOf } from '../../base/kube-object.ts';
import { compileOpenApi, type OpenApiSchema } from './crd-schema.ts';
import type { ApiSchema } from './schema.ts';

export interface PrinterColumn {
  name: string;
  type: string;
  jsonPath: string;
  priority: number;
}

/** A kind in a version, as it is served. */
export interface Resource {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  verbs: readonly string[];
  subresources: readonly string[];
  schema: ApiSchema;
  /** Only custom resources: their schema as written, and the columns of their tables. */
  openApi?: OpenApiSchema;
  columns?: readonly PrinterColumn[];
  isCustom: boolean;
}

export function apiVersionOf({ group, version }: Pick<Resource, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

/** What is served: the built-in kinds, and the kinds of the CRDs that exist. */
export class ResourceRegistry {
  readonly #builtin = new Map<string, Resource>();
  readonly #custom = new Map<string, Resource>();

  constructor() {
    for (const kind of builtinKinds()) {
      const resource = builtinResource(kind);
      this.#builtin.set(pathKey(resource.group, resource.version, resource.plural), resource);
    }
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    const key = pathKey(group, version, plural);
    return this.#builtin.get(key) ?? this.#custom.get(key);
  }

  findKind(apiVersion: string, kind: string): Resource | undefined {
    return this.all().find((resource) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
  }

  all(): Resource[] {
    return [...this.#builtin.values(), ...this.#custom.values()];
  }

  /** Serves the versions of a CRD; they replace what it served before. */
  addCrd(crd: KubeObject): void {
    this.removeCrd(crd);
    for (const resource of crdResources(crd))
      this.#custom.set(pathKey(resource.group, resource.version, resource.plural), resource);
  }

  removeCrd(crd: KubeObject): void {
    const [group, plural] = [textAt(crd, 'spec', 'group'), textAt(crd, 'spec', 'names', 'plural')];
    for (const [key, resource] of this.#custom) {
      if (resource.group === group && resource.plural === plural) this.#custom.delete(key);
    }
  }
}

function pathKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

function builtinResource(kind: BuiltinKind): Resource {
  return {
    group: groupOf(kind.apiVersion),
    version: versionOf(kind.apiVersion),
    kind: kind.kind,
    plural: kind.plural,
    singular: kind.singular,
    shortNames: kind.shortNames,
    categories: kind.categories,
    namespaced: kind.namespaced,
    verbs: kind.verbs,
    subresources: kind.subresources,
    schema: builtinDefinition(kind.definition) ?? {},
    isCustom: false,
  };
}

const customVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

function crdResources(crd: KubeObject): Resource[] {
  const versions = valueAt(crd, 'spec', 'versions');
  const texts = (...path: string[]) => {
    const value = valueAt(crd, 'spec', 'names', ...path);
    return Array.isArray(value) ? (value as string[]) : [];
  };
  return (Array.isArray(versions) ? versions : [])
    .filter((version) => isRecord(version) && version['served'] === true)
    .map((version) => {
      const openApi = (valueAt(version, 'schema', 'openAPIV3Schema') ?? {}) as OpenApiSchema;
      return {
        group: textAt(crd, 'spec', 'group') ?? '',
        version: textAt(version, 'name') ?? '',
        kind: textAt(crd, 'spec', 'names', 'kind') ?? '',
        plural: textAt(crd, 'spec', 'names', 'plural') ?? '',
        singular:
          textAt(crd, 'spec', 'names', 'singular') ?? (textAt(crd, 'spec', 'names', 'kind') ?? '').toLowerCase(),
        shortNames: texts('shortNames'),
        categories: texts('categories'),
        namespaced: textAt(crd, 'spec', 'scope') !== 'Cluster',
        verbs: customVerbs,
        subresources: Object.keys((valueAt(version, 'subresources') ?? {}) as object),
        schema: withObjectMeta(compileOpenApi(openApi)),
        openApi,
        columns: columnsOf(version),
        isCustom: true,
      };
    });
}

/** Metadata of custom resources has the schema of every other object's. */
function withObjectMeta(schema: ApiSchema): ApiSchema {
  const metadata = { ...builtinDefinition('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'), default: {} };
  const text: ApiSchema = { type: 'string' };
  return { ...schema, properties: { ...schema.properties, apiVersion: text, kind: text, metadata } };
}

function columnsOf(version: unknown): PrinterColumn[] {
  const columns = valueAt(version, 'additionalPrinterColumns');
  if (!Array.isArray(columns) || columns.length === 0) {
    return [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', priority: 0 }];
  }
  return columns.map((column) => ({
    name: textAt(column, 'name') ?? '',
    type: textAt(column, 'type') ?? 'string',
    jsonPath: textAt(column, 'jsonPath') ?? '',
    priority: Number(valueAt(column, 'priority') ?? 0),
  }));
}
