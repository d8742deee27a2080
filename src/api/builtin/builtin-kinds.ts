import type { KindRef } from '../../base/kube-object.ts';
import { kubernetesFacts } from './generated/kubernetes.ts';
import { childNode, linkDefinitions, type RawSchemaNode, type SchemaNode } from './schema-node.ts';

/** What discovery says of a kind that every Kubernetes cluster has (1.36). */
export interface BuiltinKind extends KindRef {
  plural: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  verbs: readonly string[];
  /** `status`, `scale`, `log` … */
  subresources: readonly string[];
  /** The name of its definition, see `builtinDefinition`. */
  definition: string;
}

interface Facts {
  kinds: readonly BuiltinKind[];
  byKind: ReadonlyMap<string, BuiltinKind>;
  byResource: ReadonlyMap<string, BuiltinKind>;
  definitions: ReadonlyMap<string, SchemaNode>;
}

type RawKind = Omit<BuiltinKind, 'apiVersion' | 'definition'> & { groupVersion: string; ref: string };

let loaded: Facts | undefined;

function facts(): Facts {
  loaded ??= load();
  return loaded;
}

function load(): Facts {
  const raw = JSON.parse(kubernetesFacts) as { kinds: RawKind[]; definitions: Record<string, RawSchemaNode> };
  const kinds = raw.kinds.map(
    ({ groupVersion, ref, ...kind }): BuiltinKind => ({ apiVersion: groupVersion, definition: ref, ...kind }),
  );
  return {
    kinds,
    byKind: new Map(kinds.map((kind) => [`${kind.apiVersion}/${kind.kind}`, kind])),
    byResource: new Map(kinds.map((kind) => [`${kind.apiVersion}/${kind.plural}`, kind])),
    definitions: linkDefinitions(raw.definitions),
  };
}

/** Every built-in kind, in the order of discovery. */
export function builtinKinds(): readonly BuiltinKind[] {
  return facts().kinds;
}

/** The facts of a built-in kind, or undefined for any other. */
export function builtinKind(apiVersion: string, kind: string): BuiltinKind | undefined {
  return facts().byKind.get(`${apiVersion}/${kind}`);
}

/** The built-in kind that a resource name (`deployments`) of an API version stands for. */
export function builtinResource(apiVersion: string, plural: string): BuiltinKind | undefined {
  return facts().byResource.get(`${apiVersion}/${plural}`);
}

/** A definition by its OpenAPI name, such as `io.k8s.api.core.v1.Container`. */
export function builtinDefinition(name: string): SchemaNode | undefined {
  return facts().definitions.get(name);
}

/** All definitions by name. */
export function builtinDefinitions(): ReadonlyMap<string, SchemaNode> {
  return facts().definitions;
}

/** The schema of a built-in kind, or of the node that `path` leads to; list indexes and map keys are segments too. */
export function builtinSchema(apiVersion: string, kind: string, path: readonly string[] = []): SchemaNode | undefined {
  const known = builtinKind(apiVersion, kind);
  let node = known && builtinDefinition(known.definition);
  for (const segment of path) {
    if (node === undefined) return undefined;
    node = childNode(node, segment);
  }
  return node;
}
