/**
 * One node of the schema of a built-in kind: what OpenAPI says, with references resolved. Nodes are shared and the graph
 * may be cyclic (only `JSONSchemaProps` is); treat it as read-only.
 */
export interface SchemaNode {
  /** Absent where any value is allowed (raw extensions) and for the `oneOf` scalars. */
  readonly description?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  /** `int-or-string` and quantities. */
  readonly oneOf?: readonly string[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  /** The values of a map (`additionalProperties`). */
  readonly values?: SchemaNode;
  readonly items?: SchemaNode;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  /** The default in OpenAPI; the larger part of defaulting is code in the real server. */
  readonly default?: unknown;
  /** How server-side apply merges a list; absent means atomic. */
  readonly listType?: 'atomic' | 'set' | 'map';
  /** The fields that identify an item of a `map` list. */
  readonly mapKeys?: readonly string[];
  /** `atomic` objects are replaced whole by server-side apply. */
  readonly mapType?: 'atomic' | 'granular';
  /** The field that identifies an item in a strategic merge patch. */
  readonly patchMergeKey?: string;
  /** `merge`, `replace`, `retainKeys`, or two of them with a comma. */
  readonly patchStrategy?: string;
  /**
   * How the Go type prints a zero value: `pointer` keeps what was given, `always` prints null where nothing was given,
   * `optional` leaves a zero out although the schema has a default for it.
   */
  readonly go?: 'pointer' | 'always' | 'optional';
  /** Fields that are not declared are kept; custom kinds only. */
  readonly preserveUnknown?: boolean;
  /** Whether null is a value; custom kinds only. */
  readonly nullable?: boolean;
  /** The name of the definition, on its own node and on nodes that refer to it. */
  readonly definition?: string;
}

/** The JSON of a node before its references are resolved. */
export type RawSchemaNode = Omit<SchemaNode, 'properties' | 'values' | 'items'> & {
  readonly ref?: string;
  readonly properties?: Readonly<Record<string, RawSchemaNode>>;
  readonly values?: RawSchemaNode;
  readonly items?: RawSchemaNode;
};

/** Resolves every reference among the definitions; equal definitions become one shared node. */
export function linkDefinitions(raw: Readonly<Record<string, RawSchemaNode>>): Map<string, SchemaNode> {
  const linked = new Map<string, SchemaNode>();
  for (const name of Object.keys(raw)) linked.set(name, { definition: name });
  // References that carry facts of their own are copies; they are filled when every definition is complete.
  const copies: { node: object; of: SchemaNode; facts: object }[] = [];

  const definitionOf = (ref: string): SchemaNode => {
    const node = linked.get(ref);
    if (node === undefined) throw new Error(`the schema refers to an unknown definition ${ref}`);
    return node;
  };
  const link = (node: RawSchemaNode): SchemaNode => {
    const { ref, ...facts } = node;
    if (ref === undefined) return withChildren(node);
    const target = definitionOf(ref);
    if (Object.keys(facts).length === 0) return target;
    const copy = {};
    copies.push({ node: copy, of: target, facts });
    return copy;
  };
  const withChildren = ({ properties, values, items, ...facts }: RawSchemaNode): SchemaNode => ({
    ...facts,
    ...(properties && { properties: linkProperties(properties) }),
    ...(values && { values: link(values) }),
    ...(items && { items: link(items) }),
  });

  const linkProperties = (properties: Readonly<Record<string, RawSchemaNode>>): Record<string, SchemaNode> => {
    // Without a prototype, so that a field called `constructor` is as unknown as any other.
    const result: Record<string, SchemaNode> = Object.create(null);
    for (const [name, child] of Object.entries(properties)) result[name] = link(child);
    return result;
  };

  for (const [name, node] of Object.entries(raw)) Object.assign(definitionOf(name), withChildren(node));
  for (const { node, of, facts } of copies) Object.assign(node, of, facts);
  return linked;
}

/** The child of a node for a path segment: a property, the value of a map, or the item of a list. */
export function childNode(node: SchemaNode, segment: string): SchemaNode | undefined {
  return node.properties?.[segment] ?? node.values ?? node.items;
}
