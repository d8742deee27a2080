import type { z } from 'zod';
import type { Condition, KindRef, KubeObject, ObjectMeta } from '../base/kube-object.ts';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  jsonPath: string;
  type: 'string' | 'date' | 'integer';
  /** 0 is always shown, 1 with `-o wide`. */
  priority?: number;
}

/** Everything that is to be said of a kind: its CRD, its type and its documentation come from here. */
export interface KindDefinition<Spec extends z.ZodType = z.ZodType, Status extends z.ZodType = z.ZodType> {
  group: string;
  /** Served versions, the stored one first; all have the same schema. */
  versions: readonly string[];
  kind: string;
  plural: string;
  singular: string;
  shortNames?: readonly string[];
  categories: readonly string[];
  annotations?: Readonly<Record<string, string>>;
  printerColumns: readonly PrinterColumn[];
  spec: Spec;
  /** Left out for kinds that are data alone. */
  status?: Status;
  /** Whether an object without spec is accepted. Default false. */
  optionalSpec?: boolean;
  statusDefault?: Readonly<Record<string, unknown>>;
  /** CEL rules on the whole object. */
  rules?: readonly (readonly [rule: string, message: string])[];
}

/** The object of a kind: spec as the API server has defaulted it, status as its controller writes it. */
export type ObjectOf<Kind extends KindDefinition> = KubeObject & {
  metadata: ObjectMeta;
  spec: z.output<Kind['spec']>;
  status?: z.output<NonNullable<Kind['status']>> & { conditions?: Condition[] };
};

export function defineKind<Spec extends z.ZodType, Status extends z.ZodType>(
  definition: KindDefinition<Spec, Status>,
): KindDefinition<Spec, Status> {
  return definition;
}

/** The kind in the version that is stored. */
export function kindRef(definition: KindDefinition): KindRef {
  return { apiVersion: `${definition.group}/${definition.versions[0]}`, kind: definition.kind };
}

/** CRDs that a Kustomization may manage keep their `${…}` (spec/source.md §1). */
export const keepVariables = { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' };

/** The status of an object that no controller has looked at. */
export const unobserved = { observedGeneration: -1 };

export const ageColumn: PrinterColumn = { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' };

export const readyColumns: readonly [PrinterColumn, PrinterColumn] = [
  { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status', type: 'string' },
  { name: 'Status', jsonPath: '.status.conditions[?(@.type=="Ready")].message', type: 'string' },
];
