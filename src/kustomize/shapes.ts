import type { Shape } from './decode.ts';

const object = <T extends Record<string, Shape>>(fields: T) => ({ fields });
const list = (item: Shape) => ({ list: item });
const texts = list('text');
const textMap = { map: 'text' } as const;

const gvk = { group: 'text', version: 'text', kind: 'text' } as const;
const resourceId = { ...gvk, name: 'text', namespace: 'text' } as const;

/** `target` of a patch, `select` and `reject` of a replacement. */
export const selectorShape = object({ ...resourceId, annotationSelector: 'text', labelSelector: 'text' });

export const fieldSpecShape = object({ ...gvk, path: 'text', create: 'flag' });
const fieldSpecs = list(fieldSpecShape);

export const patchOptionsShape = object({ allowNameChange: 'flag', allowKindChange: 'flag' });
const patch = object({ path: 'text', patch: 'text', target: selectorShape, options: patchOptionsShape });

export const imageShape = object({
  name: 'text',
  newName: 'text',
  tagSuffix: 'text',
  newTag: 'text',
  digest: 'text',
});

const fieldOptions = object({ delimiter: 'text', index: 'integer', encoding: 'text', create: 'flag' });
const replacementTarget = object({
  select: selectorShape,
  reject: list(selectorShape),
  fieldPaths: texts,
  options: fieldOptions,
});
const replacement = {
  source: object({ ...resourceId, fieldPath: 'text', options: fieldOptions }),
  targets: list(replacementTarget),
  sourceValue: 'text',
} as const;
export const replacementShape = object(replacement);
export const replacementFieldShape = object({ ...replacement, path: 'text' });

export const replicaShape = object({ name: 'text', count: 'integer' });
const metadata = object({ name: 'text', namespace: 'text', labels: textMap, annotations: textMap });

const generatorOptions = object({
  labels: textMap,
  annotations: textMap,
  disableNameSuffixHash: 'flag',
  immutable: 'flag',
});
const generator = {
  namespace: 'text',
  name: 'text',
  behavior: 'text',
  literals: texts,
  files: texts,
  envs: texts,
  env: 'text',
  options: generatorOptions,
} as const;
const configMapArgs = object(generator);
const secretArgs = object({ ...generator, type: 'text' });

const reference = object({ apiVersion: 'text', ...resourceId });
const variable = object({ name: 'text', objref: reference, fieldref: object({ fieldPath: 'text' }) });

export const sortOptionsShape = object({
  order: 'text',
  legacySortOptions: object({ orderFirst: texts, orderLast: texts }),
});

/** A kustomization file (api/types/kustomization.go), without the fields that are refused. */
export const kustomizationShape = object({
  apiVersion: 'text',
  kind: 'text',
  metadata,
  openapi: textMap,
  namePrefix: 'text',
  nameSuffix: 'text',
  namespace: 'text',
  commonLabels: textMap,
  labels: list(object({ pairs: textMap, includeSelectors: 'flag', includeTemplates: 'flag', fields: fieldSpecs })),
  commonAnnotations: textMap,
  patchesStrategicMerge: texts,
  patchesJson6902: list(patch),
  patches: list(patch),
  images: list(imageShape),
  imageTags: list(imageShape),
  replacements: list(replacementFieldShape),
  replicas: list(replicaShape),
  vars: list(variable),
  sortOptions: sortOptionsShape,
  resources: texts,
  components: texts,
  crds: texts,
  bases: texts,
  configMapGenerator: list(configMapArgs),
  secretGenerator: list(secretArgs),
  generatorOptions,
  helmGlobals: object({ chartHome: 'text', configHome: 'text' }),
  configurations: texts,
  generators: texts,
  transformers: texts,
  validators: texts,
  buildMetadata: texts,
});

/** A file of `configurations`. */
export const transformerConfigShape = object({
  namePrefix: fieldSpecs,
  nameSuffix: fieldSpecs,
  namespace: fieldSpecs,
  commonLabels: fieldSpecs,
  labels: fieldSpecs,
  templateLabels: fieldSpecs,
  commonAnnotations: fieldSpecs,
  nameReference: list(object({ ...gvk, fieldSpecs })),
  varReference: fieldSpecs,
  images: fieldSpecs,
  replicas: fieldSpecs,
});

const iamPolicyGenerator = object({
  cloud: 'text',
  kubernetesService: object({ name: 'text', namespace: 'text' }),
  serviceAccount: object({ name: 'text', projectId: 'text' }),
});

/** The configurations of the builtin generators, by kind. */
export const generatorShapes = {
  ConfigMapGenerator: object({ metadata, ...generator }),
  SecretGenerator: object({ metadata, ...generator, type: 'text' }),
  IAMPolicyGenerator: iamPolicyGenerator,
};

const valueTargets = list(object({ selector: selectorShape, fieldPath: 'text', filePathPosition: 'integer' }));
export const valueTargetsShape = object({ targets: valueTargets });

/** The configurations of the builtin transformers, by kind. */
export const transformerShapes = {
  AnnotationsTransformer: object({ annotations: textMap, fieldSpecs }),
  HashTransformer: object({}),
  ImageTagTransformer: object({ imageTag: imageShape, fieldSpecs }),
  LabelTransformer: object({ labels: textMap, fieldSpecs }),
  NamespaceTransformer: object({ metadata, fieldSpecs, unsetOnly: 'flag', setRoleBindingSubjects: 'text' }),
  PatchJson6902Transformer: object({ target: selectorShape, path: 'text', jsonOp: 'text' }),
  PatchStrategicMergeTransformer: object({ paths: texts, patches: 'text' }),
  PatchTransformer: patch,
  PrefixSuffixTransformer: object({ prefix: 'text', suffix: 'text', fieldSpecs }),
  PrefixTransformer: object({ prefix: 'text', fieldSpecs }),
  SuffixTransformer: object({ suffix: 'text', fieldSpecs }),
  ReplacementTransformer: object({ replacements: list(replacementFieldShape) }),
  ReplicaCountTransformer: object({ replica: replicaShape, fieldSpecs }),
  ValueAddTransformer: object({ value: 'text', targets: valueTargets, targetFilePath: 'text' }),
} as const;
