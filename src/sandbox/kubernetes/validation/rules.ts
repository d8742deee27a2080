import type { KubeObject } from '../../../base/kube-object.ts';
import type { FieldError } from '../errors/field-error.ts';

/** The checks of a kind. `update` is asked in addition to `create` when an object is replaced. */
export interface Validator {
  create(object: KubeObject): FieldError[];
  update(object: KubeObject, old: KubeObject): FieldError[];
}

/** Checks of a kind beside those of its metadata. */
export type KindRules = Partial<Validator>;
