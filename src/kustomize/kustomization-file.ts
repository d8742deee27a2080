import { isRecord } from '../base/json.ts';
import { parseMappings } from '../yaml/documents.ts';
import { buildError } from './build-error.ts';
import type { FileSystem } from './file-system.ts';
import { pathOf } from './read-named.ts';

export const kustomizationFileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;

/** A kustomization file as it is written, and where it is. */
export interface KustomizationFile {
  path: string;
  folder: string;
  fields: Readonly<Record<string, unknown>>;
}

/** Fields that are understood; anything else is refused, as a typing error would otherwise go unnoticed. */
const knownFields = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'resources',
  'bases',
  'components',
  'namespace',
  'namePrefix',
  'nameSuffix',
  'labels',
  'commonLabels',
  'commonAnnotations',
  'images',
  'replicas',
  'patches',
  'patchesStrategicMerge',
  'patchesJson6902',
  'configMapGenerator',
  'secretGenerator',
  'generatorOptions',
  'buildMetadata',
  'generators',
  'transformers',
  'validators',
  'replacements',
  'vars',
  'configurations',
  'crds',
  'openapi',
  'imageTags',
  'inventory',
  'sortOptions',
]);

const chartAdvice = 'Render the chart in CI and commit the result, or install it with a HelmRelease.';

/** Fields of kustomize that this engine refuses. */
const unsupportedFields: Readonly<Record<string, string>> = {
  helmCharts: chartAdvice,
  helmGlobals: chartAdvice,
  helmChartInflationGenerator: chartAdvice,
};

/** The kustomization file of a folder. Throws KUSTOMIZE_BUILD_FAILED where there is none, or several, or an unknown field. */
export function readKustomizationFile(fs: FileSystem, folder: string): KustomizationFile {
  const found = kustomizationFileNames.filter((name) => fs.kindOf(pathOf(folder, name)) === 'file');
  const [name] = found;
  const shown = folder === '' ? '.' : folder;
  if (name === undefined) {
    throw buildError(shown, `unable to find one of '${kustomizationFileNames.join("', '")}' in the folder`);
  }
  if (found.length > 1) throw buildError(shown, `several kustomization files in one folder: ${found.join(', ')}`);
  const path = pathOf(folder, name);
  const documents = parseMappings(fs.readFile(path)?.toString('utf8') ?? '', path, { lastKeyWins: true });
  if (documents.length !== 1)
    throw buildError(path, documents.length === 0 ? 'the file is empty' : 'the file has several documents');
  const fields = withKnownSpelling(documents[0] ?? {});
  checkFields(path, fields);
  return { path, folder, fields };
}

/** Field names are matched as Go's JSON decoder does it: without regard to case. */
function withKnownSpelling(fields: Record<string, unknown>): Record<string, unknown> {
  const spelling = new Map([...knownFields].map((field) => [field.toLowerCase(), field]));
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [
      knownFields.has(field) ? field : (spelling.get(field.toLowerCase()) ?? field),
      value,
    ]),
  );
}

function checkFields(path: string, fields: Record<string, unknown>): void {
  const kind = fields['kind'] ?? 'Kustomization';
  if (kind !== 'Kustomization' && kind !== 'Component')
    throw buildError(path, `kind should be Kustomization or Component, not ${String(kind)}`);
  const wanted = `kustomize.config.k8s.io/${kind === 'Component' ? 'v1alpha1' : 'v1beta1'}`;
  const version = fields['apiVersion'];
  if (typeof version === 'string' && version !== '' && kind === 'Component' && version !== wanted)
    throw buildError(path, `apiVersion for ${kind} should be ${wanted}`);
  for (const [field, value] of Object.entries(fields)) {
    if (value === null) continue;
    const advice = unsupportedFields[field];
    if (advice !== undefined) throw buildError(path, `the field '${field}' is not supported`, advice);
    if (!knownFields.has(field)) throw buildError(path, `unknown field '${field}'`);
  }
}

/** A list-valued field; undefined and null count as empty. */
export function listField({ path, fields }: KustomizationFile, name: string): unknown[] {
  const value = fields[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw buildError(path, `the field '${name}' should be a list`);
  return value;
}

export function textsField(file: KustomizationFile, name: string): string[] {
  return listField(file, name).map((item) => {
    if (typeof item !== 'string')
      throw buildError(file.path, `the field '${name}' should hold texts, found ${JSON.stringify(item)}`);
    return item;
  });
}

export function recordsField(file: KustomizationFile, name: string): Record<string, unknown>[] {
  return listField(file, name).map((item) => {
    if (!isRecord(item))
      throw buildError(file.path, `the field '${name}' should hold mappings, found ${JSON.stringify(item)}`);
    return item;
  });
}

export function textField({ path, fields }: KustomizationFile, name: string): string {
  const value = fields[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw buildError(path, `the field '${name}' should be a text`);
  return value;
}

/** A map of texts, such as labels; numbers and booleans are refused, as the API would refuse them. */
export function stringMapField({ path, fields }: KustomizationFile, name: string): Record<string, string> {
  const value = fields[name];
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw buildError(path, `the field '${name}' should be a mapping`);
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== 'string')
      throw buildError(path, `${name}.${key} should be a text; quote ${JSON.stringify(item)}`);
  }
  return value as Record<string, string>;
}
