import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import type { FieldError } from '../errors/field-error.ts';
import type { FieldSet } from '../managed-fields/field-set.ts';
import type { DecodeFaults } from '../schema/go-shape.ts';
import type { Column } from '../tables/column.ts';

/** One resource in one served version: what discovery tells of it and how its objects are read, checked and kept. */
export interface Resource {
  group: string;
  version: string;
  /** `group/version`, or the version alone in the core group. */
  apiVersion: string;
  kind: string;
  listKind: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  verbs: readonly string[];
  subresources: readonly string[];
  /** Fields that a custom kind allows in field selectors. */
  selectableFields?: readonly string[];
  /** Where a custom kind keeps its replicas. */
  scalePaths?: { specReplicasPath?: string; statusReplicasPath?: string; labelSelectorPath?: string } | undefined;
  /** Printer columns of a custom kind. */
  columns?: readonly Column[];
  /** Where objects are stored; versions of one resource share it. */
  storage: string;
  /** Field ownership follows this schema. */
  schema: SchemaNode;
  behaviour: Behaviour;
  /** An object of this version as it is stored, and back. */
  toStored(object: KubeObject): KubeObject;
  fromStored(object: KubeObject): KubeObject;
}

/** What differs from kind to kind in the life of an object. */
export interface Behaviour {
  /** Gives a decoded body the form of its type; reports what does not fit. Returns a new object. */
  decode(value: Record<string, unknown>, faults: DecodeFaults): KubeObject;
  /** Fills in defaults; may change the object. */
  applyDefaults(object: KubeObject): void;
  /** Last changes before an object is created; may change the object. */
  prepareForCreate(object: KubeObject): void;
  /** Last changes before an update; may change the object. */
  prepareForUpdate(object: KubeObject, old: KubeObject): void;
  validate(object: KubeObject): FieldError[];
  validateUpdate(object: KubeObject, old: KubeObject): FieldError[];
  /** Whether `metadata.generation` counts the changes of this kind. */
  hasGeneration: boolean;
  /** Whether a change asks for a new generation. */
  changesGeneration(object: KubeObject, old: KubeObject): boolean;
  hasStatus: boolean;
  /** The status that a new object has. */
  initialStatus: unknown;
  /** What the status endpoint keeps of the stored object. */
  statusUpdate(object: KubeObject, old: KubeObject): KubeObject;
  /** Fields that the main endpoint and the status endpoint do not write. */
  resetFields: { main: FieldSet; status: FieldSet };
  allowCreateOnUpdate: boolean;
  /** Whether an update without resourceVersion overwrites. */
  allowUnconditionalUpdate: boolean;
  /** Whether a delete answers with the object instead of a Status. */
  returnsDeleted: boolean;
  /** What happens to dependants where the request does not say. */
  defaultPropagation: 'Background' | 'Orphan';
  /** Built-in kinds print kind before apiVersion and drop what Go types drop; custom ones are kept as given. */
  custom: boolean;
}
