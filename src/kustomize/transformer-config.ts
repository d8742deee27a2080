import { isRecord } from '../base/json.ts';
import { parseMappings } from '../yaml/documents.ts';
import { buildError } from './build-error.ts';
import {
  commonAnnotationSpecs,
  commonLabelSpecs,
  defaultNameReferences,
  defaultVarReferences,
  type NameReference,
  nameSpecs,
  namespaceSpecs,
  replicasSpecs,
  templateLabelSpecs,
} from './default-field-specs.ts';
import type { FieldSpec } from './field-spec.ts';
import type { FileSystem } from './file-system.ts';
import { type KustomizationFile, textsField } from './kustomization-file.ts';
import { pathOf, readNamedText } from './read-named.ts';

/** Where transformers act: the built-in places, and those of `configurations`. */
export interface TransformerConfig {
  namePrefix: FieldSpec[];
  nameSuffix: FieldSpec[];
  namespace: FieldSpec[];
  commonLabels: FieldSpec[];
  /** For the entries of `labels` alone. */
  labels: FieldSpec[];
  templateLabels: FieldSpec[];
  commonAnnotations: FieldSpec[];
  images: FieldSpec[];
  replicas: FieldSpec[];
  varReference: FieldSpec[];
  nameReference: NameReference[];
}

export function defaultConfig(): TransformerConfig {
  return {
    namePrefix: [...nameSpecs],
    nameSuffix: [...nameSpecs],
    namespace: [...namespaceSpecs],
    commonLabels: [...commonLabelSpecs],
    labels: [],
    templateLabels: [...templateLabelSpecs],
    commonAnnotations: [...commonAnnotationSpecs],
    images: [],
    replicas: [...replicasSpecs],
    varReference: defaultVarReferences(),
    nameReference: defaultNameReferences(),
  };
}

/** Adds what another configuration knows; the same entry is not kept twice. */
export function mergeConfig(into: TransformerConfig, from: Partial<TransformerConfig>): void {
  for (const [name, added] of Object.entries(from)) {
    const list = into[name as keyof TransformerConfig] as (FieldSpec | NameReference)[];
    const known = new Set(list.map(entryKey));
    for (const entry of added) if (!known.has(entryKey(entry))) list.push(entry);
  }
}

function entryKey(entry: FieldSpec | NameReference): string {
  const { group = '', version = '', kind = '' } = entry;
  return JSON.stringify([group, version, kind, 'path' in entry ? entry.path : entry.fieldSpecs]);
}

/** The file's own configuration: the defaults and its `configurations`. */
export function readConfig(fs: FileSystem, file: KustomizationFile): TransformerConfig {
  const config = defaultConfig();
  for (const entry of textsField(file, 'configurations')) {
    const path = pathOf(file.folder, entry);
    for (const document of parseMappings(readNamedText(fs, file, entry), path)) {
      mergeConfig(config, configOf(document, path));
    }
  }
  return config;
}

function configOf(document: Record<string, unknown>, where: string): Partial<TransformerConfig> {
  const result: Partial<Record<string, unknown[]>> = {};
  const known = Object.keys(defaultConfig());
  for (const [field, value] of Object.entries(document)) {
    if (value === null || field === 'apiVersion' || field === 'kind' || field === 'metadata') continue;
    const name = known.find((candidate) => candidate.toLowerCase() === field.toLowerCase());
    if (name === undefined) throw buildError(where, `unknown field '${field}' in a configuration`);
    if (!Array.isArray(value) || !value.every(isRecord))
      throw buildError(where, `'${field}' should be a list of mappings`);
    result[name] = value;
  }
  return result as Partial<TransformerConfig>;
}
