import { MillraceError } from '../base/error.ts';
import { readBuildAnnotations } from './build-annotations.ts';
import type { BuildContext } from './build-context.ts';
import { configureTransformer, type PluginConfig, runGenerator, type Transformer } from './builtin-plugins.ts';
import { readCrdConfig } from './crd-config.ts';
import { readCustomSchema } from './custom-schema.ts';
import { Faults, forEachCollecting } from './faults.ts';
import { normalPath, sourceFiles } from './file-system.ts';
import { fileTransformers } from './file-transformers.ts';
import { absorb, generate, mergedOptions } from './generators.ts';
import { type KustomizationFile, readKustomizationFile } from './kustomization-file.ts';
import {
  builtinOrigin,
  configuredOrigin,
  type Origin,
  type OriginBase,
  originOf,
  recordTransformation,
} from './origin.ts';
import { pathOf, readNamedIfAny, readNamedText } from './read-named.ts';
import { manifestText, readObjects } from './read-resources.ts';
import { type RemoteContent, RemoteNotRead } from './remote-content.ts';
import { isRemoteReference, parseRepositoryReference } from './remote-reference.ts';
import { Resource } from './resource.ts';
import { ResourceList } from './resource-list.ts';
import { emptyConfig, mergedConfig, readConfigurations, type TransformerConfig } from './transformer-config.ts';
import { requireUnchanged } from './validators.ts';
import { addVars, markVarSources, type Var } from './vars.ts';

/** Bases may refer to bases; no sane tree is deeper. */
const deepest = 64;

/** What a folder amounts to before names are settled. */
export interface Accumulated {
  list: ResourceList;
  config: TransformerConfig;
  vars: Map<string, Var>;
}

function emptyAccumulated(): Accumulated {
  return { list: new ResourceList(), config: emptyConfig, vars: new Map() };
}

/** One folder of a build, and how it was reached. */
interface Visit {
  context: BuildContext;
  file: KustomizationFile;
  base: OriginBase;
  /** The folders on the way, this one included. */
  trail: readonly string[];
  /** Sets the folders of a remote repository apart in the trail. */
  repository?: string;
}

/** Everything of a kustomization that has been read: its bases and files, what it generates, and all it asks to be done. */
export function accumulateRoot(context: BuildContext, file: KustomizationFile): Accumulated {
  const into = emptyAccumulated();
  accumulate({ context, file, base: { path: '' }, trail: [file.folder] }, into);
  return into;
}

/** The order is kustomize's: resources, generators, components, transformers, validators, vars. */
function accumulate(visit: Visit, into: Accumulated): void {
  const { context, file, base } = visit;
  const { fields, path } = file;
  const faults = new Faults();
  faults.attempt(() => addResources(visit, into, [...(fields.resources ?? []), ...(fields.bases ?? [])], 'resources'));
  faults.attempt(() => addConfig(visit, into));
  faults.attempt(() => runGenerators(visit, into));
  faults.attempt(() => {
    for (const entry of fields.components ?? []) addComponent(visit, into, entry);
  });
  const transformers = [
    ...(faults.attempt(() => fileTransformers(context, file, into.config, base)) ?? []),
    ...(faults.attempt(() => pluginTransformers(visit, 'transformers')) ?? []),
  ];
  const validators = faults.attempt(() => pluginTransformers(visit, 'validators')) ?? [];
  faults.throwIfAny();
  for (const transformer of transformers) runTransformer(into.list, transformer);
  for (const validator of validators) requireUnchanged(into.list, () => validator.run(into.list), path);
  const vars = (fields.vars ?? []).map((one) => ({ ...one, where: path }));
  markVarSources(into.list, vars, path);
  addVars(into.vars, vars, path);
}

function runTransformer(list: ResourceList, { run, origin }: Transformer): void {
  run(list);
  if (origin !== undefined) recordTransformation(list.resources, origin);
}

function addConfig({ context, file }: Visit, into: Accumulated): void {
  const { configurations = [], crds = [] } = file.fields;
  into.config = mergedConfig(into.config, readConfigurations(context.fs, file, configurations), file.path);
  if (crds.length > 0) into.config = mergedConfig(into.config, readCrdConfig(context.fs, file, crds), file.path);
}

/** Files are read as manifests, folders as bases; every entry that fails is reported. */
function addResources(visit: Visit, into: Accumulated, entries: readonly string[], field: string): void {
  forEachCollecting(entries, (entry, index) => addResource(visit, into, entry, [field, index]));
}

function addResource(visit: Visit, into: Accumulated, entry: string, place: [string, number]): void {
  const { context, file, base } = visit;
  const fault = (what: string, hint?: string) => file.fault(place, what, hint);
  if (entry === '') throw fault(`an entry of '${place[0]}' is blank`);
  const path = pathOf(file.folder, entry);
  const content = readNamedIfAny(context.fs, file, entry);
  const { tracksOrigins } = context;
  if (content !== undefined)
    return addManifest(visit, into, { content, path, origin: tracksOrigins ? originOf(base, entry) : undefined });
  if (context.fs.kindOf(path) === 'folder') return addBase(visit, into, enter(visit, entry, fault), { entry, fault });
  if (!isRemoteReference(entry)) throw fault(`'${entry}' of '${place[0]}': no such file or folder`);
  const remote = readRemote(context, entry, fault);
  const origin = tracksOrigins ? remoteOrigin(base, entry) : undefined;
  if (remote.kind === 'file') return addManifest(visit, into, { content: remote.content, path: entry, origin });
  addBase(visit, into, enterRemote(visit, remote, fault), { entry, fault });
}

interface Manifest {
  content: Buffer;
  path: string;
  origin: Origin | undefined;
}

function addManifest({ context, repository }: Visit, into: Accumulated, { content, path, origin }: Manifest): void {
  const source = repository === undefined ? path : `${repository}//${path}`;
  const objects = readObjects(manifestText(content, source), source);
  into.list.append(objects.map((fields) => newResource(context, fields, source, origin)));
}

function newResource(
  context: BuildContext,
  fields: Record<string, unknown>,
  path: string,
  origin: Origin | undefined,
): Resource {
  const resource = new Resource(fields, path, context.schema);
  readBuildAnnotations(resource);
  if (origin !== undefined) resource.origin = origin;
  return resource;
}

type Fault = (what: string, hint?: string) => MillraceError;

/** A base: it is finished on its own, and then added. */
function addBase(
  visit: Visit,
  into: Accumulated,
  inner: Visit,
  { entry, fault }: { entry: string; fault: Fault },
): void {
  if (inner.file.isComponent)
    throw fault(`'${entry}' is a component, which may not be a resource`, "List it under 'components'.");
  const base = emptyAccumulated();
  accumulate(inner, base);
  absorbAccumulated(into, base, visit.file.path);
}

/** A component changes what is there already. */
function addComponent(visit: Visit, into: Accumulated, entry: string): void {
  const { file } = visit;
  const index = file.fields.components?.indexOf(entry) ?? 0;
  const fault: Fault = (what, hint) => file.fault(['components', index], what, hint);
  const inner = enterComponent(visit, entry, fault);
  if (!inner.file.isComponent)
    throw fault(`'${entry}' should be of kind Component`, "List it under 'resources', or change its kind.");
  accumulate(inner, into);
}

function enterComponent(visit: Visit, entry: string, fault: Fault): Visit {
  const { context, file } = visit;
  if (context.fs.kindOf(pathOf(file.folder, entry)) === 'folder') return enter(visit, entry, fault);
  const remote = isRemoteReference(entry) ? readRemote(context, entry, fault) : undefined;
  if (remote?.kind !== 'folder')
    throw fault(`the component '${entry}' should be a folder with a kustomization file of kind Component`);
  return enterRemote(visit, remote, fault);
}

function enter({ context, file, base, trail, ...visit }: Visit, entry: string, fault: Fault): Visit {
  const folder = pathOf(file.folder, entry);
  const step = visit.repository === undefined ? folder : `${visit.repository}//${folder}`;
  const inner = openFolder(context, folder, longerTrail(trail, step, fault));
  return { ...inner, ...visit, base: originOf(base, entry) };
}

/** A folder of a repository: what it names is looked for in there. */
function enterRemote({ context, trail }: Visit, remote: RemoteContent & { kind: 'folder' }, fault: Fault): Visit {
  const { dir, ref, repository: repo } = remote;
  const repository = ref === undefined ? repo : `${repo}@${ref}`;
  const there = { ...context, fs: sourceFiles(remote.fs, context.fs.loadRestrictor) };
  const inner = openFolder(there, normalPath(dir), longerTrail(trail, `${repository}//${dir}`, fault));
  return { ...inner, repository, base: { path: dir, repo, ...(ref === undefined ? {} : { ref }) } };
}

function longerTrail(trail: readonly string[], step: string, fault: Fault): readonly string[] {
  if (trail.includes(step)) throw fault(`a cycle of bases: ${[...trail, step].map((one) => one || '.').join(' → ')}`);
  if (trail.length > deepest) throw fault(`bases are nested more than ${deepest} deep`);
  return [...trail, step];
}

function openFolder(context: BuildContext, folder: string, trail: readonly string[]): Omit<Visit, 'base'> {
  const file = readKustomizationFile(context.fs, folder, (message) => context.warn(message));
  setSchema(context, file);
  return { context, file, trail };
}

/** Throws RemoteNotRead where remote resources are allowed and this one has not been got yet. */
function readRemote({ remotes }: BuildContext, entry: string, fault: Fault): RemoteContent {
  const content = remotes?.get(entry);
  if (content !== undefined) return content;
  const refused = fault(
    `the remote resource '${entry}' is not loaded`,
    'Commit a copy, make it a source of its own, or allow remote bases.',
  );
  throw remotes === undefined ? refused : new RemoteNotRead(entry, refused);
}

/** Without the password of an address: it is written into the objects. */
function remoteOrigin(base: OriginBase, entry: string): OriginBase {
  const { url, dir, ref } = parseRepositoryReference(entry.replace(/\/\/[^/@]*:[^/@]*@/, '//')) ?? {};
  if (url === undefined) return originOf(base, entry);
  return { path: dir ?? '', repo: url, ...(ref === undefined ? {} : { ref }) };
}

/** `openapi`: the first that a build meets is used for all of it. */
export function setSchema({ fs, schema }: BuildContext, file: KustomizationFile): void {
  const { path, version = '' } = file.fields.openapi ?? {};
  const content = path === undefined ? undefined : readNamedText(fs, file, path);
  if (!schema.acceptsCustom) return;
  if (content !== undefined && path !== undefined) {
    if (file.fields.openapi?.['version'] !== undefined)
      throw file.fault(['openapi'], "'openapi' has both a path and a version, and can use only one");
    let read: ReturnType<typeof readCustomSchema> | undefined;
    schema.set(() => (read ??= readCustomSchema(content, pathOf(file.folder, path))));
  } else if (version !== '') {
    if (version !== 'v1.21.2')
      throw file.fault(['openapi', 'version'], `the OpenAPI version ${version} is not built in; v1.21.2 is`);
    schema.set(undefined);
  }
}

function absorbAccumulated(into: Accumulated, { list, config, vars }: Accumulated, where: string): void {
  into.list.append(list.resources);
  into.config = mergedConfig(into.config, config, where);
  addVars(into.vars, vars.values(), where);
}

function runGenerators(visit: Visit, into: Accumulated): void {
  const { context, file, base } = visit;
  const { configMapGenerator = [], secretGenerator = [], generatorOptions } = file.fields;
  const add = (resources: readonly Resource[], origin: Origin | undefined) => {
    for (const resource of resources) {
      if (origin !== undefined) resource.origin ??= origin;
      absorb(into.list, resource, file.path);
    }
  };
  const builtin = [
    ...configMapGenerator.map((args, index) => ({
      kind: 'ConfigMap' as const,
      args,
      field: 'configMapGenerator',
      index,
    })),
    ...secretGenerator.map((args, index) => ({ kind: 'Secret' as const, args, field: 'secretGenerator', index })),
  ];
  const faults = new Faults();
  const plugins = faults.attempt(() => readPlugins(visit, 'generators')) ?? [];
  for (const { kind, args, field, index } of builtin)
    faults.attempt(() => {
      const options = mergedOptions(args.options, generatorOptions);
      const origin = context.tracksOrigins ? builtinOrigin(base, file.name, `${kind}Generator`) : undefined;
      file.within([field, index], () => add([generate(context, file, kind, { ...args, options })], origin));
    });
  for (const plugin of plugins) faults.attempt(() => add(runGenerator(context, plugin), pluginOrigin(plugin)));
  faults.throwIfAny();
}

function pluginTransformers(visit: Visit, field: 'transformers' | 'validators'): Transformer[] {
  return forEachCollecting(readPlugins(visit, field), (plugin) => {
    const origin = pluginOrigin(plugin);
    return { ...configureTransformer(visit.context, plugin), ...(origin === undefined ? {} : { origin }) };
  });
}

/** The configurations that a field lists: inline, in files, or what a folder builds. */
function readPlugins(visit: Visit, field: 'generators' | 'transformers' | 'validators'): PluginConfig[] {
  const { context, file, base } = visit;
  const entries = file.fields[field] ?? [];
  const plugins = emptyAccumulated();
  const inline = entries.map((entry) => inlineObjects(entry, file.path));
  const origin = context.tracksOrigins ? originOf(base, file.name) : undefined;
  for (const objects of inline)
    plugins.list.append((objects ?? []).map((fields) => newResource(context, fields, file.path, origin)));
  const faults = new Faults();
  for (const [index, entry] of entries.entries())
    if (inline[index] === undefined) faults.attempt(() => addResource(visit, plugins, entry, [field, index]));
  faults.throwIfAny();
  return plugins.list.resources.map((resource) => ({
    resource,
    place: { folder: file.folder, path: resource.source },
  }));
}

/** The objects of an entry that is YAML itself; undefined where it is the name of a file. */
function inlineObjects(entry: string, where: string): Record<string, unknown>[] | undefined {
  try {
    return readObjects(entry, where);
  } catch (error) {
    if (error instanceof MillraceError && !entry.includes('\n')) return undefined;
    throw error;
  }
}

function pluginOrigin({ resource }: PluginConfig): Origin | undefined {
  if (resource.origin === undefined) return undefined;
  const { apiVersion, kind, name, namespace } = resource;
  const by = { apiVersion, kind, name, ...(namespace === '' ? {} : { namespace }) };
  return configuredOrigin(resource.origin, by);
}
