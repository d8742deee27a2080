import { parseMappings } from '../yaml/documents.ts';
import { buildError } from './build-error.ts';
import type { FileSystem } from './file-system.ts';
import { generate } from './generators.ts';
import {
  type KustomizationFile,
  readKustomizationFile,
  recordsField,
  stringMapField,
  textField,
  textsField,
} from './kustomization-file.ts';
import { addLabelEntry, addPairs, addPrefix, addSuffix, setNamespace } from './metadata-transformers.ts';
import { applyPatches } from './patches.ts';
import { readPlugins, runGenerator, runTransformer } from './plugins.ts';
import { pathOf, readNamedText } from './read-named.ts';
import { applyReplacements } from './replacements.ts';
import { formatId, idOf, type Resource, resourcesOf } from './resource.ts';
import { mergeConfig, readConfig, type TransformerConfig } from './transformer-config.ts';
import { mergeVars, type Var, varsOf } from './vars.ts';
import { setImages, setReplicas } from './workload-transformers.ts';

/** Bases may refer to bases; no sane tree is deeper. */
const deepest = 64;

/** What a folder amounts to before names are settled. */
export interface Accumulated {
  resources: Resource[];
  config: TransformerConfig;
  vars: Var[];
}

interface Scope {
  fs: FileSystem;
  file: KustomizationFile;
  trail: readonly string[];
  config: TransformerConfig;
  vars: Var[];
}

/** The resources of a folder: its bases and files, what it generates, with everything done that its kustomization file asks for. */
export function accumulate(fs: FileSystem, folder: string, path: readonly string[] = []): Accumulated {
  if (path.includes(folder)) throw buildError(folder, `a cycle of bases: ${[...path, folder].join(' → ')}`);
  if (path.length > deepest) throw buildError(folder, `bases are nested more than ${deepest} deep`);
  const file = readKustomizationFile(fs, folder);
  if (path.length > 0 && file.fields['kind'] === 'Component')
    throw buildError(file.path, 'a component may not be a resource', "List it under 'components'.");
  return accumulateFile(fs, file, [...path, folder], []);
}

function accumulateFile(
  fs: FileSystem,
  file: KustomizationFile,
  trail: readonly string[],
  given: readonly Resource[],
): Accumulated {
  const scope: Scope = { fs, file, trail, config: readConfig(fs, file), vars: [] };
  const generated = [...generate(fs, file), ...pluginGenerated(scope)];
  let resources = addGenerated(loadResources(scope, given), generated, file);
  for (const entry of textsField(file, 'components')) resources = includeComponent(scope, entry, resources);
  resources = transform(scope, resources);
  mergeVars(scope.vars, varsOf(recordsField(file, 'vars'), file.path));
  return { resources, config: scope.config, vars: scope.vars };
}

function pluginGenerated({ fs, file, trail }: Scope): Resource[] {
  return readPlugins(fs, file, 'generators', (folder) => accumulate(fs, folder, trail).resources).flatMap((plugin) =>
    runGenerator(fs, plugin),
  );
}

/** A component changes the resources of whoever includes it. */
function includeComponent({ fs, file, trail, config, vars }: Scope, entry: string, resources: Resource[]): Resource[] {
  const folder = pathOf(file.folder, entry);
  if (trail.includes(folder)) throw buildError(file.path, `a cycle of components: ${folder}`);
  const component = readKustomizationFile(fs, folder);
  if (component.fields['kind'] !== 'Component')
    throw buildError(component.path, "expected kind 'Component' for a path of 'components'");
  const inner = accumulateFile(fs, component, [...trail, folder], resources);
  mergeConfig(config, inner.config);
  mergeVars(vars, inner.vars);
  return inner.resources;
}

function loadResources(scope: Scope, given: readonly Resource[]): Resource[] {
  const { file } = scope;
  const loaded = [...given];
  const seen = new Map(given.map((resource) => [idOf(resource), resource]));
  for (const entry of [...textsField(file, 'resources'), ...textsField(file, 'bases')]) {
    for (const resource of loadEntry(scope, entry)) {
      const id = idOf(resource);
      const known = seen.get(id);
      if (known !== undefined) {
        throw buildError(
          resource.origin,
          `may not add resource with an already registered id: ${formatId(resource)} (also in ${known.origin})`,
        );
      }
      seen.set(id, resource);
      loaded.push(resource);
    }
  }
  return loaded;
}

function loadEntry({ fs, file, trail, config, vars }: Scope, entry: string): Resource[] {
  if (/^[a-z][a-z0-9+.-]*:\/\/|^git@|^github\.com\//.test(entry)) {
    throw buildError(
      file.path,
      `the remote resource '${entry}' is not loaded`,
      'Commit a copy, or make it a source of its own.',
    );
  }
  const path = pathOf(file.folder, entry);
  switch (fs.kindOf(path)) {
    case 'folder': {
      const base = accumulate(fs, path, trail);
      mergeConfig(config, base.config);
      mergeVars(vars, base.vars);
      return base.resources;
    }
    case 'file':
      return resourcesOf(parseMappings(readNamedText(fs, file, entry), path), path);
    default:
      throw buildError(file.path, `accumulating resources from '${entry}': no such file or directory`);
  }
}

/** Generated ConfigMaps and Secrets join, change or take the place of those of the bases. */
function addGenerated(resources: Resource[], generated: readonly Resource[], file: KustomizationFile): Resource[] {
  const result = [...resources];
  for (const resource of generated) {
    const { object } = resource;
    const known = result.find(
      (other) =>
        other.object.kind === object.kind &&
        other.names.includes(object.metadata.name) &&
        (object.metadata.namespace ?? other.object.metadata.namespace) === other.object.metadata.namespace,
    );
    if (resource.behavior === 'create') {
      if (known !== undefined)
        throw buildError(file.path, `may not add resource with an already registered id: ${formatId(resource)}`);
      result.push(resource);
      continue;
    }
    if (known === undefined)
      throw buildError(
        file.path,
        `the generator ${object.metadata.name} should ${resource.behavior}, but there is none of that name`,
      );
    for (const field of ['data', 'binaryData']) {
      const merged = {
        ...(resource.behavior === 'merge' ? (known.object[field] as object | undefined) : undefined),
        ...(object[field] as object | undefined),
      };
      if (Object.keys(merged).length > 0) known.object[field] = merged;
      else delete known.object[field];
    }
    known.object.metadata = { ...known.object.metadata, ...withMaps(known, resource) };
    known.needsHash = resource.needsHash;
  }
  return result;
}

function withMaps(known: Resource, added: Resource): Record<string, unknown> {
  const merged = (field: 'labels' | 'annotations') => ({
    ...known.object.metadata[field],
    ...added.object.metadata[field],
  });
  const entries = (['labels', 'annotations'] as const).map((field) => [field, merged(field)] as const);
  return Object.fromEntries(entries.filter(([, map]) => Object.keys(map).length > 0));
}

/** The fields of a kustomization file, in kustomize's order. */
function transform({ fs, file, config, trail }: Scope, resources: Resource[]): Resource[] {
  let result = applyPatches(fs, resources, file, ['patchesStrategicMerge', 'patches']);
  setNamespace(result, { namespace: textField(file, 'namespace'), specs: config.namespace }, file.path);
  addPrefix(result, textField(file, 'namePrefix'), config.namePrefix);
  addSuffix(result, textField(file, 'nameSuffix'), config.nameSuffix);
  for (const entry of recordsField(file, 'labels')) addLabelEntry(result, entry, config, file.path);
  addPairs(result, stringMapField(file, 'commonLabels'), config.commonLabels);
  addPairs(result, stringMapField(file, 'commonAnnotations'), config.commonAnnotations);
  result = applyPatches(fs, result, file, ['patchesJson6902']);
  setReplicas(result, file, config.replicas);
  setImages(result, file, config.images);
  applyReplacements(fs, result, recordsField(file, 'replacements'), file);
  for (const plugin of readPlugins(fs, file, 'transformers', (folder) => accumulate(fs, folder, trail).resources)) {
    result = runTransformer(fs, result, plugin);
  }
  return result;
}
