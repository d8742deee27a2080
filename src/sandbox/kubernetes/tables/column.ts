import type { KubeObject } from '../../../base/kube-object.ts';

/** A column of a table with how its cell is made. */
export interface Column {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  format?: string;
  /** 0 is always shown, 1 with `-o wide`. */
  priority?: number;
  description?: string;
  cell(object: KubeObject, now: number): unknown;
}
