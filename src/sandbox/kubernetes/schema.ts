import type { SchemaNode } from '../../api/builtin/schema-node.ts';

/** What is known of a value of a kind, built-in or custom: enough to merge, own, default and check it. */
export interface ApiSchema extends Omit<SchemaNode, 'properties' | 'values' | 'items'> {
  readonly properties?: Readonly<Record<string, ApiSchema>>;
  readonly values?: ApiSchema;
  readonly items?: ApiSchema;
  /** Unknown fields are kept instead of pruned. */
  readonly preserveUnknown?: boolean;
  readonly nullable?: boolean;
}
