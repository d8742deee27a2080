import type { BuildContext } from './build-context.ts';
import type { Transformer } from './builtin-plugins.ts';
import type { FieldPath } from './decode.ts';
import { metadataLabelSpec } from './default-field-specs.ts';
import { Faults } from './faults.ts';
import type { FieldSpec } from './field-spec.ts';
import { setImages } from './images.ts';
import type { KustomizationFile, LabelEntry } from './kustomization-file.ts';
import { addPairs } from './labels.ts';
import { addPrefix, addSuffix } from './names.ts';
import { setNamespace } from './namespace.ts';
import { builtinOrigin, type OriginBase } from './origin.ts';
import { prepareJsonPatch, prepareMergePatches, preparePatch } from './patches.ts';
import { prepareReplacements } from './replacements.ts';
import { setReplicas } from './replicas.ts';
import type { ResourceList } from './resource-list.ts';
import { mergedSpecs, type TransformerConfig } from './transformer-config.ts';

/**
 * What the fields of a kustomization file ask for, in the order in which kustomize does it. Throws everything that is wrong with
 * them, together. `base` is how the folder is reached from the root of the build.
 */
export function fileTransformers(
  context: BuildContext,
  file: KustomizationFile,
  config: TransformerConfig,
  base: OriginBase,
): Transformer[] {
  const { fields } = file;
  const transformers: Transformer[] = [];
  const faults = new Faults();
  const add = (kind: string, configure: () => (list: ResourceList) => void, entry: FieldPath = []) => {
    faults.attempt(() => {
      const configured = file.within(entry, configure);
      const run = (list: ResourceList) => file.within(entry, () => configured(list));
      transformers.push({ run, ...(context.tracksOrigins ? { origin: builtinOrigin(base, file.name, kind) } : {}) });
    });
  };

  const { patchesStrategicMerge = [], namespace = '', namePrefix = '', nameSuffix = '' } = fields;
  if (patchesStrategicMerge.length > 0)
    add('PatchStrategicMergeTransformer', () => prepareMergePatches(context, file, { paths: patchesStrategicMerge }));
  for (const [index, entry] of (fields.patches ?? []).entries())
    add('PatchTransformer', () => preparePatch(context, file, entry), ['patches', index]);
  if (namespace !== '')
    add('NamespaceTransformer', () => (list) => setNamespace(list, { namespace, specs: config.namespace }, file.path));
  if (namePrefix !== '') add('PrefixTransformer', () => (list) => addPrefix(list, namePrefix, config.namePrefix));
  if (nameSuffix !== '') add('SuffixTransformer', () => (list) => addSuffix(list, nameSuffix, config.nameSuffix));
  for (const entry of labelEntries(file))
    add('LabelTransformer', () => {
      const specs = entry.specs(config);
      return (list) => addPairs(list, entry.pairs, specs);
    });
  const { commonAnnotations = {} } = fields;
  if (Object.keys(commonAnnotations).length > 0)
    add('AnnotationsTransformer', () => (list) => addPairs(list, commonAnnotations, config.commonAnnotations));
  for (const [index, { patch, ...entry }] of (fields.patchesJson6902 ?? []).entries())
    add(
      'PatchJson6902Transformer',
      () =>
        prepareJsonPatch(context, file, {
          ...entry,
          ...(patch === undefined ? {} : { jsonOp: patch }),
        }),
      ['patchesJson6902', index],
    );
  for (const [index, entry] of (fields.replicas ?? []).entries())
    add('ReplicaCountTransformer', () => (list) => setReplicas(list, entry, config.replicas, file.path), [
      'replicas',
      index,
    ]);
  for (const [index, entry] of [...(fields.images ?? []), ...(fields.imageTags ?? [])].entries())
    add('ImageTagTransformer', () => (list) => setImages(list, entry, config.images, file.path), ['images', index]);
  const { replacements = [] } = fields;
  if (replacements.length > 0)
    add('ReplacementTransformer', () => prepareReplacements(context, file, replacements), ['replacements']);
  faults.throwIfAny();
  return transformers;
}

interface PreparedLabels {
  pairs: Readonly<Record<string, string>>;
  specs(config: TransformerConfig): readonly FieldSpec[];
}

/** The entries of `labels`, and `commonLabels`, which is there as soon as either is. */
function labelEntries({ fields, path }: KustomizationFile): PreparedLabels[] {
  const { labels = [], commonLabels = {} } = fields;
  if (labels.length === 0 && Object.keys(commonLabels).length === 0) return [];
  return [
    ...labels.map((entry) => ({
      pairs: entry.pairs ?? {},
      specs: (config: TransformerConfig) => labelSpecs(entry, config, path),
    })),
    { pairs: commonLabels, specs: (config) => config.commonLabels },
  ];
}

function labelSpecs(entry: LabelEntry, config: TransformerConfig, where: string): FieldSpec[] {
  const own = mergedSpecs(entry.fields ?? [], config.labels, where);
  if (entry.includeSelectors === true) return mergedSpecs(own, config.commonLabels, where);
  const templates = entry.includeTemplates === true ? mergedSpecs(own, config.templateLabels, where) : own;
  return mergedSpecs(templates, [metadataLabelSpec], where);
}
