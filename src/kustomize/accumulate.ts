import { parseMappings } from '../yaml/documents.ts';
import { buildError } from './build-error.ts';
import type { FileSystem } from './file-system.ts';
import { generate } from './generators.ts';
import { joinPath, type KustomizationFile, readKustomizationFile, textsField } from './kustomization-file.ts';
import { addAnnotations, addLabels, addNameAffixes, setNamespace } from './metadata-transformers.ts';
import { applyPatches } from './patches.ts';
import { formatId, idOf, type Resource, resourcesOf } from './resource.ts';
import { setImages, setReplicas } from './workload-transformers.ts';

/** Bases may refer to bases; no sane tree is deeper. */
const deepest = 64;

/** The resources of a folder: its bases and files, what it generates, with everything done that its kustomization file asks for. */
export function accumulate(fs: FileSystem, folder: string, path: readonly string[] = []): Resource[] {
  if (path.includes(folder)) throw buildError(folder, `a cycle of bases: ${[...path, folder].join(' → ')}`);
  if (path.length > deepest) throw buildError(folder, `bases are nested more than ${deepest} deep`);
  const file = readKustomizationFile(fs, folder);
  const trail = [...path, folder];
  const resources = loadResources(fs, file, trail);
  return transform(fs, withComponents(fs, file, trail, addGenerated(resources, generate(fs, file), file)), file);
}

function loadResources(fs: FileSystem, file: KustomizationFile, trail: readonly string[]): Resource[] {
  const loaded: Resource[] = [];
  const seen = new Map<string, Resource>();
  for (const entry of [...textsField(file, 'resources'), ...textsField(file, 'bases')]) {
    for (const resource of loadEntry(fs, file, entry, trail)) {
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

function loadEntry(fs: FileSystem, file: KustomizationFile, entry: string, trail: readonly string[]): Resource[] {
  if (/^[a-z][a-z0-9+.-]*:\/\/|^git@|^github\.com\//.test(entry)) {
    throw buildError(
      file.path,
      `the remote resource '${entry}' is not loaded`,
      'Commit a copy, or make it a source of its own.',
    );
  }
  const path = joinPath(file.folder, entry);
  switch (fs.kindOf(path)) {
    case 'folder':
      return accumulate(fs, path, trail);
    case 'file':
      return resourcesOf(parseMappings(fs.readFile(path)?.toString('utf8') ?? '', path), path);
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

/** Components change the resources of whoever includes them. */
function withComponents(
  fs: FileSystem,
  file: KustomizationFile,
  trail: readonly string[],
  resources: Resource[],
): Resource[] {
  let result = resources;
  for (const entry of textsField(file, 'components')) {
    const folder = joinPath(file.folder, entry);
    if (trail.includes(folder)) throw buildError(file.path, `a cycle of components: ${folder}`);
    const component = readKustomizationFile(fs, folder);
    const inner = [...trail, folder];
    const own = addGenerated([...result, ...loadResources(fs, component, inner)], generate(fs, component), component);
    result = transform(fs, withComponents(fs, component, inner, own), component);
  }
  return result;
}

/** The fields of a kustomization file, in kustomize's order. */
function transform(fs: FileSystem, resources: Resource[], file: KustomizationFile): Resource[] {
  const patched = applyPatches(fs, resources, file);
  setNamespace(patched, file);
  addNameAffixes(patched, file);
  addLabels(patched, file);
  addAnnotations(patched, file);
  setReplicas(patched, file);
  setImages(patched, file);
  return patched;
}
