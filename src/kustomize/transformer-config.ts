import { buildError } from './build-error.ts';
import { decode } from './decode.ts';
import {
  commonAnnotationSpecs,
  commonLabelSpecs,
  imageSpecs,
  nameSpecs,
  namespaceSpecs,
  replicaSpecs,
  templateLabelSpecs,
  varReferenceSpecs,
} from './default-field-specs.ts';
import { defaultNameReferences, type NameReference } from './default-name-references.ts';
import { forEachCollecting } from './faults.ts';
import type { FieldSpec } from './field-spec.ts';
import type { SourceFiles } from './file-system.ts';
import { parseConfiguration } from './parse-configuration.ts';
import { type NamingPlace, pathOf, readNamedText } from './read-named.ts';
import { type GroupVersionKind, isSelectedBy } from './resource-id.ts';
import { transformerConfigShape } from './shapes.ts';
import { compareGvks } from './sort.ts';

/** Where transformers act: the built-in places, those of `configurations` and of `crds`. */
export interface TransformerConfig {
  namePrefix: readonly FieldSpec[];
  nameSuffix: readonly FieldSpec[];
  namespace: readonly FieldSpec[];
  commonLabels: readonly FieldSpec[];
  /** For the entries of `labels` alone. */
  labels: readonly FieldSpec[];
  templateLabels: readonly FieldSpec[];
  commonAnnotations: readonly FieldSpec[];
  images: readonly FieldSpec[];
  replicas: readonly FieldSpec[];
  varReference: readonly FieldSpec[];
  nameReference: readonly NameReference[];
}

type SpecField = Exclude<keyof TransformerConfig, 'nameReference'>;

export const emptyConfig: TransformerConfig = {
  namePrefix: [],
  nameSuffix: [],
  namespace: [],
  commonLabels: [],
  labels: [],
  templateLabels: [],
  commonAnnotations: [],
  images: [],
  replicas: [],
  varReference: [],
  nameReference: [],
};

/** A constant that takes longer to make than a small build does otherwise. */
let builtin: TransformerConfig | undefined;

function defaultConfig(): TransformerConfig {
  builtin ??= sorted({
    namePrefix: nameSpecs(),
    nameSuffix: nameSpecs(),
    namespace: namespaceSpecs(),
    commonLabels: commonLabelSpecs(),
    labels: [],
    templateLabels: templateLabelSpecs(),
    commonAnnotations: commonAnnotationSpecs(),
    images: imageSpecs(),
    replicas: replicaSpecs(),
    varReference: varReferenceSpecs(),
    nameReference: defaultNameReferences(),
  });
  return builtin;
}

/** Two configurations as one. Throws KUSTOMIZE_BUILD_FAILED where they disagree whether a place is to be created. */
export function mergedConfig(left: TransformerConfig, right: TransformerConfig, where: string): TransformerConfig {
  if (right === builtin && (left === emptyConfig || left === builtin)) return builtin;
  const fields = Object.keys(left).filter((field): field is SpecField => field !== 'nameReference');
  const merged = Object.fromEntries(fields.map((field) => [field, mergedSpecs(left[field], right[field], where)]));
  return sorted({
    ...(merged as unknown as Record<SpecField, readonly FieldSpec[]>),
    nameReference: mergedReferences(left.nameReference, right.nameReference, where),
  });
}

/** Adds the specs that the list does not cover yet. */
export function mergedSpecs(list: readonly FieldSpec[], added: readonly FieldSpec[], where: string): FieldSpec[] {
  const result = [...list];
  for (const spec of added) {
    const known = result.find((one) => one.path === spec.path && isSelectedBy(completeGvk(one), spec));
    if (known === undefined) result.push(spec);
    else if ((known.create === true) !== (spec.create === true))
      throw buildError(
        where,
        `conflicting field specs: '${spec.path}' of ${spec.kind ?? 'any kind'} is both to be created and not`,
      );
  }
  return result;
}

function mergedReferences(
  list: readonly NameReference[],
  added: readonly NameReference[],
  where: string,
): NameReference[] {
  const result = [...list];
  for (const reference of added) {
    const index = result.findIndex((one) => sameGvk(one, reference));
    const known = result[index];
    if (known === undefined) result.push(reference);
    else result[index] = { ...known, fieldSpecs: mergedSpecs(known.fieldSpecs, reference.fieldSpecs, where) };
  }
  return result;
}

const completeGvk = ({ group = '', version = '', kind = '' }: Partial<GroupVersionKind>) => ({ group, version, kind });

function sameGvk(left: Partial<GroupVersionKind>, right: Partial<GroupVersionKind>): boolean {
  const [a, b] = [completeGvk(left), completeGvk(right)];
  return a.group === b.group && a.version === b.version && a.kind === b.kind;
}

/** By kind, as the order of the places decides in which order references are followed. */
function sorted(config: TransformerConfig): TransformerConfig {
  const entries = Object.entries(config).map(([field, list]: [string, readonly Partial<GroupVersionKind>[]]) => [
    field,
    [...list].sort((a, b) => compareGvks(completeGvk(a), completeGvk(b))),
  ]);
  return Object.fromEntries(entries) as TransformerConfig;
}

/** The configuration of a kustomization file itself: the defaults and its `configurations`. */
export function readConfigurations(fs: SourceFiles, place: NamingPlace, names: readonly string[]): TransformerConfig {
  const read = forEachCollecting(names, (name) => readConfiguration(fs, place, name));
  const custom = read.reduce((all, one) => mergedConfig(all, one, place.path), emptyConfig);
  return names.length === 0 ? defaultConfig() : mergedConfig(defaultConfig(), custom, place.path);
}

function readConfiguration(fs: SourceFiles, place: NamingPlace, name: string): TransformerConfig {
  const path = pathOf(place.folder, name);
  const { value, fault } = parseConfiguration(readNamedText(fs, place, name), path, { strict: true });
  return { ...emptyConfig, ...decode(value ?? {}, transformerConfigShape, { strict: true, fault }) };
}
