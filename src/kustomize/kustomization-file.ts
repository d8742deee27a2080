import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { buildError } from './build-error.ts';
import { decode, type FieldPath } from './decode.ts';
import { BuildFaults, Faults, forEachCollecting } from './faults.ts';
import type { FieldSpec } from './field-spec.ts';
import type { FileSystem } from './file-system.ts';
import type { GeneratorArgs, GeneratorOptions } from './generators.ts';
import type { ImageChange } from './images.ts';
import { parseConfiguration } from './parse-configuration.ts';
import type { PatchEntry } from './patches.ts';
import { pathOf } from './read-named.ts';
import { manifestText } from './read-resources.ts';
import { isRemoteReference } from './remote-reference.ts';
import type { ReplacementEntry } from './replacement-entry.ts';
import type { ReplicaChange } from './replicas.ts';
import { kustomizationShape } from './shapes.ts';
import type { SortOptions } from './sort.ts';
import type { Var } from './vars.ts';

export const kustomizationFileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;

/** The fields of a kustomization file, as kustomizationShape says; absent where they are not given. */
export interface KustomizationFields {
  apiVersion?: string;
  kind?: string;
  openapi?: Readonly<Record<string, string>>;
  namePrefix?: string;
  nameSuffix?: string;
  namespace?: string;
  commonLabels?: Readonly<Record<string, string>>;
  labels?: readonly LabelEntry[];
  commonAnnotations?: Readonly<Record<string, string>>;
  patchesStrategicMerge?: readonly string[];
  patchesJson6902?: readonly PatchEntry[];
  patches?: readonly PatchEntry[];
  images?: readonly ImageChange[];
  imageTags?: readonly ImageChange[];
  replacements?: readonly ReplacementEntry[];
  replicas?: readonly ReplicaChange[];
  vars?: readonly Var[];
  sortOptions?: SortOptions;
  resources?: readonly string[];
  components?: readonly string[];
  crds?: readonly string[];
  bases?: readonly string[];
  configMapGenerator?: readonly GeneratorArgs[];
  secretGenerator?: readonly GeneratorArgs[];
  generatorOptions?: GeneratorOptions;
  helmGlobals?: unknown;
  configurations?: readonly string[];
  generators?: readonly string[];
  transformers?: readonly string[];
  validators?: readonly string[];
  buildMetadata?: readonly string[];
}

/** An entry of `labels`. */
export interface LabelEntry {
  pairs?: Readonly<Record<string, string>>;
  includeSelectors?: boolean;
  includeTemplates?: boolean;
  fields?: readonly FieldSpec[];
}

/** A kustomization file as it is written, and where it is. */
export interface KustomizationFile {
  path: string;
  folder: string;
  /** The name of the file itself. */
  name: string;
  isComponent: boolean;
  fields: KustomizationFields;
  /** Does work for a place in the file: errors that name only the file get its line. */
  within<T>(path: FieldPath, work: () => T): T;
  /** An error about a place in the file, with its line. */
  fault(path: FieldPath, what: string, hint?: string): MillraceError;
}

const chartAdvice = 'Render the chart in CI and commit the result, or install it with a HelmRelease.';

/** Fields of kustomize that this engine refuses. */
const refusedFields: Readonly<Record<string, string>> = {
  helmCharts: chartAdvice,
  helmChartInflationGenerator: chartAdvice,
};

/** Fields that kustomize would rather not see any more, and what to write. */
const deprecatedFields: Readonly<Record<string, string>> = {
  bases: 'resources',
  commonLabels: 'labels',
  imageTags: 'images',
  patchesJson6902: 'patches',
  patchesStrategicMerge: 'patches',
  vars: 'replacements',
};

/**
 * The kustomization file of a folder. Throws KUSTOMIZE_BUILD_FAILED where there is none, or several, and for every field that is
 * unknown or of another type than it should be, together.
 */
export function readKustomizationFile(
  fs: FileSystem,
  folder: string,
  warn: (message: string) => void,
): KustomizationFile {
  const found = kustomizationFileNames.filter((name) => fs.kindOf(pathOf(folder, name)) === 'file');
  const [name] = found;
  const shown = folder === '' ? '.' : folder;
  if (name === undefined)
    throw buildError(shown, `unable to find one of '${kustomizationFileNames.join("', '")}' in the folder`);
  if (found.length > 1) throw buildError(shown, `several kustomization files in one folder: ${found.join(', ')}`);
  const path = pathOf(folder, name);
  const text = manifestText(fs.readFile(path) ?? Buffer.alloc(0), path);
  const { value, fault, locate } = parseConfiguration(text, path);
  if (value !== undefined && !isRecord(value)) throw buildError(path, 'a kustomization file should be a mapping');
  const faults = new Faults();
  const fields = faults.attempt(() => decodeFields(value ?? {}, fault)) ?? {};
  if (value !== undefined) faults.attempt(() => faults.isEmpty || requireResources(value, { fs, folder, fault }));
  faults.throwIfAny();
  if (isEmpty(fields)) throw buildError(path, 'the kustomization file is empty', "List something under 'resources'.");
  for (const [field, better] of Object.entries(deprecatedFields)) {
    if (field in fields) warn(`${path}: '${field}' is deprecated; use '${better}' instead`);
  }
  return {
    path,
    folder,
    name,
    isComponent: fields.kind === 'Component',
    fields,
    within: withLine(path, locate),
    fault,
  };
}

function withLine(file: string, locate: (path: FieldPath) => string): KustomizationFile['within'] {
  return (place, work) => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      const faults = new Faults();
      for (const fault of error instanceof BuildFaults ? error.faults : [error]) {
        const isVague = fault.message.startsWith(`${file}: `);
        faults.add(isVague ? buildError(locate(place), fault.message.slice(file.length + 2), fault.hint) : fault);
      }
      faults.throwIfAny();
      throw error;
    }
  };
}

function decodeFields(value: Record<string, unknown>, fault: KustomizationFile['fault']): KustomizationFields {
  const faults = new Faults();
  const [known, refused] = [{} as Record<string, unknown>, [] as string[]];
  for (const [key, item] of Object.entries(value)) {
    const name = Object.keys(refusedFields).find((field) => field.toLowerCase() === key.toLowerCase());
    if (name === undefined) known[key] = item;
    else if (item !== null) refused.push(name);
  }
  for (const name of refused) faults.add(fault([name], `the field '${name}' is not supported`, refusedFields[name]));
  const fields = faults.attempt(() => decode(known, kustomizationShape, { strict: true, fault })) as
    | KustomizationFields
    | undefined;
  if (fields !== undefined) faults.attempt(() => checkVersion(fields, fault));
  faults.throwIfAny();
  return fields ?? {};
}

/** What a file with other faults lists and is not there: a user wants to hear of both. */
function requireResources(
  { resources }: Record<string, unknown>,
  { fs, folder, fault }: Pick<KustomizationFile, 'folder' | 'fault'> & { fs: FileSystem },
): void {
  forEachCollecting(Array.isArray(resources) ? resources : [], (entry, index) => {
    if (typeof entry !== 'string' || entry === '' || isRemoteReference(entry)) return;
    if (fs.kindOf(pathOf(folder, entry)) === undefined)
      throw fault(['resources', index], `'${entry}' of 'resources': no such file or folder`);
  });
}

function checkVersion({ kind = '', apiVersion = '' }: KustomizationFields, fault: KustomizationFile['fault']): void {
  if (kind !== '' && kind !== 'Kustomization' && kind !== 'Component')
    throw fault(['kind'], `kind should be Kustomization or Component, not ${kind}`);
  const wanted = `kustomize.config.k8s.io/${kind === 'Component' ? 'v1alpha1' : 'v1beta1'}`;
  if (apiVersion !== '' && apiVersion !== wanted)
    throw fault(['apiVersion'], `apiVersion for ${kind || 'Kustomization'} should be ${wanted}, not ${apiVersion}`);
}

/** Blank texts, and lists that are moved to other fields and had nothing to move, do not count. */
function isEmpty(fields: KustomizationFields): boolean {
  const { apiVersion: _, kind: __, ...rest } = fields;
  const moved = ['bases', 'imageTags'];
  return Object.entries(rest).every(
    ([field, value]) => value === '' || (moved.includes(field) && Array.isArray(value) && value.length === 0),
  );
}
