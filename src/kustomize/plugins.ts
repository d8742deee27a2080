import { isRecord } from '../base/json.ts';
import { parseMappings } from '../yaml/documents.ts';
import { buildError } from './build-error.ts';
import { nameSpecs, namespaceSpecs } from './default-field-specs.ts';
import type { FieldSpec } from './field-spec.ts';
import type { FileSystem } from './file-system.ts';
import { generate } from './generators.ts';
import { type KustomizationFile, textsField } from './kustomization-file.ts';
import { addPairs, addPrefix, addSuffix, setNamespace } from './metadata-transformers.ts';
import { applyPatches } from './patches.ts';
import { pathOf, readNamedText } from './read-named.ts';
import { applyReplacements } from './replacements.ts';
import type { Resource } from './resource.ts';
import { sortLegacy } from './sort.ts';
import { setImages, setReplicas } from './workload-transformers.ts';

type Fields = Record<string, unknown>;

/** A builtin plugin's configuration, and where it was written. */
export interface PluginConfig {
  fields: Fields;
  where: string;
  folder: string;
}

/** The configurations that a field such as `transformers` lists: inline, in files, or what a folder builds. */
export function readPlugins(
  fs: FileSystem,
  file: KustomizationFile,
  field: string,
  buildFolder: (folder: string) => Resource[],
): PluginConfig[] {
  return textsField(file, field).flatMap((entry): PluginConfig[] => {
    const inline = entry.includes('\n') || /^\s*\{/.test(entry);
    if (inline)
      return parseMappings(entry, file.path).map((fields) => ({ fields, where: file.path, folder: file.folder }));
    const path = pathOf(file.folder, entry);
    if (fs.kindOf(path) === 'folder')
      return buildFolder(path).map(({ object }) => ({ fields: object, where: path, folder: file.folder }));
    return parseMappings(readNamedText(fs, file, entry), path).map((fields) => ({
      fields,
      where: path,
      folder: file.folder,
    }));
  });
}

/** A ConfigMapGenerator or SecretGenerator given as an object. */
export function runGenerator(fs: FileSystem, { fields, where, folder }: PluginConfig): Resource[] {
  const field = { ConfigMapGenerator: 'configMapGenerator', SecretGenerator: 'secretGenerator' }[
    String(fields['kind'])
  ];
  if (field === undefined) throw unsupported(fields, where);
  const { metadata, ...args } = fields;
  const entry = {
    ...(isRecord(metadata) ? { name: metadata['name'], namespace: metadata['namespace'] } : {}),
    ...args,
  };
  return generate(fs, { path: where, folder, fields: { [field]: [entry] } });
}

/** Runs one builtin transformer. */
export function runTransformer(fs: FileSystem, resources: Resource[], plugin: PluginConfig): Resource[] {
  const { fields, where, folder } = plugin;
  const run = transformers[String(fields['kind'])];
  if (run === undefined || (fields['apiVersion'] !== 'builtin' && fields['apiVersion'] !== undefined))
    throw unsupported(fields, where);
  const synthetic = (content: Fields): KustomizationFile => ({ path: where, folder, fields: content });
  return run({ fs, resources, fields, where, file: synthetic, folder }) ?? resources;
}

interface Run {
  fs: FileSystem;
  resources: Resource[];
  fields: Fields;
  where: string;
  folder: string;
  file(content: Fields): KustomizationFile;
}

function specsOf(fields: Fields, defaults: readonly FieldSpec[]): readonly FieldSpec[] {
  return Array.isArray(fields['fieldSpecs']) ? (fields['fieldSpecs'] as FieldSpec[]) : defaults;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const patches = ({ fs, resources, file }: Run, content: Fields) => applyPatches(fs, resources, file(content));
const noSpecs: readonly FieldSpec[] = [];

const transformers: Readonly<Record<string, (run: Run) => Resource[] | undefined>> = {
  PrefixTransformer: ({ resources, fields }) =>
    void addPrefix(resources, text(fields['prefix']), specsOf(fields, nameSpecs)),
  SuffixTransformer: ({ resources, fields }) =>
    void addSuffix(resources, text(fields['suffix']), specsOf(fields, nameSpecs)),
  PrefixSuffixTransformer: ({ resources, fields }) => {
    addPrefix(resources, text(fields['prefix']), specsOf(fields, nameSpecs));
    addSuffix(resources, text(fields['suffix']), specsOf(fields, nameSpecs));
    return undefined;
  },
  NamespaceTransformer: ({ resources, fields, where }) => {
    const metadata = isRecord(fields['metadata']) ? fields['metadata'] : {};
    const namespace = text(fields['namespace']) || text(metadata['namespace']);
    const options = {
      namespace,
      unsetOnly: fields['unsetOnly'] === true,
      specs: specsOf(fields, namespaceSpecs),
      ...(typeof fields['setRoleBindingSubjects'] === 'string'
        ? { setRoleBindingSubjects: fields['setRoleBindingSubjects'] }
        : {}),
    };
    setNamespace(resources, options, where);
    return undefined;
  },
  LabelTransformer: ({ resources, fields }) =>
    void addPairs(resources, isRecord(fields['labels']) ? fields['labels'] : {}, specsOf(fields, noSpecs)),
  AnnotationsTransformer: ({ resources, fields }) =>
    void addPairs(resources, isRecord(fields['annotations']) ? fields['annotations'] : {}, specsOf(fields, noSpecs)),
  ImageTagTransformer: ({ resources, fields, file }) =>
    void setImages(resources, file({ images: [fields['imageTag']] }), specsOf(fields, noSpecs)),
  ReplicaCountTransformer: ({ resources, fields, file }) =>
    void setReplicas(resources, file({ replicas: [fields['replica']] }), specsOf(fields, noSpecs)),
  PatchTransformer: (run) => {
    const { path, patch, target, options } = run.fields;
    const entry = Object.fromEntries(
      Object.entries({ path, patch, target, options }).filter(([, value]) => value !== undefined),
    );
    return patches(run, { patches: [entry] });
  },
  PatchStrategicMergeTransformer: (run) => {
    const paths = Array.isArray(run.fields['paths']) ? run.fields['paths'] : [];
    const inline = text(run.fields['patches']);
    if (paths.length === 0 && inline === '') throw buildError(run.where, 'empty file path and empty patch content');
    return patches(run, { patchesStrategicMerge: inline === '' ? paths : [...paths, inline] });
  },
  PatchJson6902Transformer: (run) => {
    const { target, path, jsonOp } = run.fields;
    if (!isRecord(target) || !target['name']) throw buildError(run.where, 'must specify the target name');
    if ((path === undefined) === (jsonOp === undefined))
      throw buildError(run.where, 'must specify one of path and jsonOp');
    return patches(run, { patchesJson6902: [path === undefined ? { target, patch: jsonOp } : { target, path }] });
  },
  ReplacementTransformer: ({ fs, resources, fields, where, folder }) =>
    void applyReplacements(
      fs,
      resources,
      Array.isArray(fields['replacements']) ? fields['replacements'].filter(isRecord) : [],
      { folder, path: where },
    ),
  SortOrderTransformer: ({ resources, fields }) => sorted(resources, fields['sortOptions']),
};

function sorted(resources: Resource[], options: unknown): Resource[] {
  const { order, legacySortOptions } = isRecord(options) ? options : {};
  if (order === 'legacy') return sortLegacy(resources, legacySortOptions);
  if (order !== 'fifo') throw buildError('SortOrderTransformer', "order should be 'fifo' or 'legacy'");
  return resources;
}

function unsupported(fields: Fields, where: string) {
  return buildError(
    where,
    `the plugin ${String(fields['apiVersion'])} ${String(fields['kind'])} is not built in`,
    'Exec and container plugins are not run; use the builtin transformers and generators.',
  );
}
