import { posix } from 'node:path';
import type { BuildContext } from './build-context.ts';
import { buildError } from './build-error.ts';
import { decode, type FieldPath } from './decode.ts';
import { Faults } from './faults.ts';
import type { FieldSpec } from './field-spec.ts';
import { type GeneratorArgs, generate } from './generators.ts';
import { contentHash } from './hash.ts';
import { type ImageChange, setImages } from './images.ts';
import { addPairs } from './labels.ts';
import { addPrefix, addSuffix } from './names.ts';
import { type SubjectMode, setNamespace } from './namespace.ts';
import type { Origin } from './origin.ts';
import { parseConfiguration } from './parse-configuration.ts';
import { type PatchEntry, prepareJsonPatch, prepareMergePatches, preparePatch } from './patches.ts';
import { type NamingPlace, pathOf, readNamedText } from './read-named.ts';
import type { ReplacementEntry } from './replacement-entry.ts';
import { prepareReplacements } from './replacements.ts';
import { type ReplicaChange, setReplicas } from './replicas.ts';
import { Resource } from './resource.ts';
import type { ResourceList } from './resource-list.ts';
import type { Selector } from './selector.ts';
import { generatorShapes, transformerShapes, valueTargetsShape } from './shapes.ts';
import { addValue, type ValueTarget } from './value-add.ts';

/** Something that has been configured and can be run. */
export interface Transformer {
  run(list: ResourceList): void;
  /** What is noted on the objects when origins are. */
  origin?: Origin;
}

/** What a plugin is configured with: the object that describes it, and what its names are relative to. */
export interface PluginConfig {
  resource: Resource;
  place: NamingPlace;
}

type Fields = Record<string, unknown>;

/** The objects of a generator that is configured by an object. Throws KUSTOMIZE_BUILD_FAILED. */
export function runGenerator(context: BuildContext, config: PluginConfig): Resource[] {
  const kind = builtinKind(config, generatorShapes);
  const fields = configured(config, generatorShapes[kind]);
  if (kind === 'IAMPolicyGenerator') return [serviceAccount(context, config, fields)];
  // `env` is an old spelling that only kustomization files may use.
  const {
    name = '',
    namespace = '',
    metadata = {},
    env: _,
    ...args
  } = fields as GeneratorArgs & { metadata?: GeneratorArgs };
  const named = { ...args, name: name || metadata.name || '', namespace: namespace || metadata.namespace || '' };
  return [generate(context, config.place, kind === 'SecretGenerator' ? 'Secret' : 'ConfigMap', named)];
}

interface IamPolicyFields {
  cloud?: string;
  kubernetesService?: { name?: string; namespace?: string };
  serviceAccount?: { name?: string; projectId?: string };
}

/** A ServiceAccount bound to one of Google Cloud, the only cloud there is for it. */
function serviceAccount(context: BuildContext, { place }: PluginConfig, fields: IamPolicyFields): Resource {
  const { cloud = '', kubernetesService: { name = '', namespace = '' } = {}, serviceAccount: account = {} } = fields;
  if (cloud !== 'gke')
    throw buildError(place.path, `IAMPolicyGenerator: the cloud '${cloud}' is not supported; it should be gke`);
  const identity = `${account.name ?? ''}@${account.projectId ?? ''}.iam.gserviceaccount.com`;
  const metadata = {
    annotations: { 'iam.gke.io/gcp-service-account': identity },
    name,
    ...(namespace === '' ? {} : { namespace }),
  };
  return new Resource({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }, place.path, context.schema);
}

/** A transformer that is configured by an object. Throws KUSTOMIZE_BUILD_FAILED and YAML_INVALID. */
export function configureTransformer(context: BuildContext, config: PluginConfig): Transformer {
  const kind = builtinKind(config, transformerShapes);
  return { run: transformers[kind](configured(config, transformerShapes[kind]), context, config.place) };
}

function builtinKind<K extends string>({ resource, place }: PluginConfig, known: Readonly<Record<K, unknown>>): K {
  const { apiVersion, kind } = resource;
  if (apiVersion === 'builtin' && Object.hasOwn(known, kind)) return kind as K;
  const hint =
    apiVersion === 'builtin'
      ? `Here it may be one of ${Object.keys(known).join(', ')}.`
      : 'Exec and container plugins are not run; use the builtin transformers and generators (apiVersion: builtin).';
  throw buildError(place.path, `the plugin ${apiVersion} ${kind} is not built in`, hint);
}

function configured({ resource, place }: PluginConfig, shape: Parameters<typeof decode>[1]): Fields {
  const fault = (_: FieldPath, what: string, hint?: string) =>
    buildError(
      resource.source === '' ? place.path : resource.source,
      `${resource.kind} ${resource.name}: ${what}`,
      hint,
    );
  return decode(resource.object, shape, { strict: false, coerces: true, fault });
}

type Configure = (fields: Fields, context: BuildContext, place: NamingPlace) => (list: ResourceList) => void;

const specsIn = (fields: Fields) => (fields['fieldSpecs'] ?? []) as readonly FieldSpec[];
const text = (fields: Fields, name: string) => (fields[name] ?? '') as string;

function requireSpecs(fields: Fields, place: NamingPlace): readonly FieldSpec[] {
  if (fields['fieldSpecs'] === undefined) throw buildError(place.path, "'fieldSpecs' is missing");
  return specsIn(fields);
}

const transformers: Readonly<Record<keyof typeof transformerShapes, Configure>> = {
  AnnotationsTransformer: (fields) => (list) =>
    addPairs(list, (fields['annotations'] ?? {}) as Record<string, string>, specsIn(fields)),
  HashTransformer: () => addHashes,
  ImageTagTransformer: (fields, _, place) => (list) =>
    setImages(list, (fields['imageTag'] ?? {}) as ImageChange, specsIn(fields), place.path),
  LabelTransformer: (fields) => (list) =>
    addPairs(list, (fields['labels'] ?? {}) as Record<string, string>, specsIn(fields)),
  NamespaceTransformer: (fields, _, place) => configureNamespace(fields, place),
  PatchJson6902Transformer: (fields, context, place) =>
    prepareJsonPatch(context, place, fields as { target?: Selector; path?: string; jsonOp?: string }),
  PatchStrategicMergeTransformer: (fields, context, place) => {
    const { paths = [], patches = '' } = fields as { paths?: string[]; patches?: string };
    if (paths.length === 0 && patches === '') throw buildError(place.path, "it needs 'paths' or 'patches'");
    return prepareMergePatches(context, place, { paths, patches });
  },
  PatchTransformer: (fields, context, place) => preparePatch(context, place, fields as PatchEntry),
  PrefixSuffixTransformer: (fields, _, place) => {
    const specs = requireSpecs(fields, place);
    return (list) => {
      addPrefix(list, text(fields, 'prefix'), specs);
      addSuffix(list, text(fields, 'suffix'), specs);
    };
  },
  PrefixTransformer: (fields, _, place) => {
    const specs = requireSpecs(fields, place);
    return (list) => addPrefix(list, text(fields, 'prefix'), specs);
  },
  SuffixTransformer: (fields, _, place) => {
    const specs = requireSpecs(fields, place);
    return (list) => addSuffix(list, text(fields, 'suffix'), specs);
  },
  ReplacementTransformer: (fields, context, place) =>
    prepareReplacements(context, place, (fields['replacements'] ?? []) as readonly ReplacementEntry[]),
  ReplicaCountTransformer: (fields, _, place) => (list) =>
    setReplicas(list, (fields['replica'] ?? {}) as ReplicaChange, specsIn(fields), place.path),
  ValueAddTransformer: (fields, context, place) => configureValueAdd(fields, context, place),
};

function configureNamespace(fields: Fields, place: NamingPlace): (list: ResourceList) => void {
  const {
    metadata = {},
    unsetOnly,
    setRoleBindingSubjects = '',
  } = fields as {
    metadata?: { namespace?: string };
    unsetOnly?: boolean;
    setRoleBindingSubjects?: string;
  };
  const modes = ['', 'defaultOnly', 'allServiceAccounts', 'none'];
  if (!modes.includes(setRoleBindingSubjects))
    throw buildError(
      place.path,
      `setRoleBindingSubjects should be defaultOnly, allServiceAccounts or none, not '${setRoleBindingSubjects}'`,
    );
  const options = {
    namespace: metadata.namespace ?? '',
    specs: specsIn(fields),
    unsetOnly: unsetOnly === true,
    setRoleBindingSubjects: (setRoleBindingSubjects || 'defaultOnly') as SubjectMode,
  };
  return (list) => setNamespace(list, options, place.path);
}

function configureValueAdd(fields: Fields, context: BuildContext, place: NamingPlace): (list: ResourceList) => void {
  const value = text(fields, 'value').trim() || posix.basename(`/${place.folder}`);
  const targets = [...((fields['targets'] ?? []) as ValueTarget[])];
  const path = text(fields, 'targetFilePath');
  if (path !== '') {
    const { value: content, fault } = parseConfiguration(
      readNamedText(context.fs, place, path),
      pathOf(place.folder, path),
    );
    const read = decode(content ?? {}, valueTargetsShape, { strict: false, coerces: true, fault });
    targets.push(...((read['targets'] ?? []) as ValueTarget[]));
  }
  const faults = new Faults();
  if (targets.length === 0) faults.add(buildError(place.path, 'it needs at least one target'));
  for (const { fieldPath = '', filePathPosition = 0 } of targets) {
    if (fieldPath === '') faults.add(buildError(place.path, 'a target has no fieldPath'));
    if (filePathPosition < 0)
      faults.add(buildError(place.path, `filePathPosition (${filePathPosition}) may not be negative`));
  }
  faults.throwIfAny();
  return (list) => addValue(list, value, targets, place.path);
}

/** Gives every generated name the hash of its content. */
export function addHashes(list: ResourceList): void {
  for (const resource of list.resources) {
    if (!resource.needsHash) continue;
    const hash = contentHash(resource);
    resource.rememberId();
    resource.setName(`${resource.name}-${hash}`);
  }
  list.idsChanged();
}
