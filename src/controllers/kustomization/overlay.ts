import { join } from 'node:path/posix';
import { dump, load } from 'js-yaml';
import type { Kustomization } from '../../api/kustomization.ts';
import { errorMessage } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { buildObjects } from '../../kustomize/build.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import { kustomizationFileNames } from '../../kustomize/kustomization-file.ts';
import { pathOf } from '../../kustomize/read-named.ts';
import { parseMappings } from '../../yaml/documents.ts';
import { KustomizationFault } from './fault.ts';

type Fields = Record<string, unknown>;

/** Builds the folder of a Kustomization, with what its spec adds to the kustomization file (spec/kustomization.md §4). */
export function buildKustomization(object: Kustomization, fs: FileSystem): KubeObject[] {
  const dir = buildDir(object);
  if (fs.kindOf(dir) === undefined && dir !== '') {
    throw new KustomizationFault(
      'ArtifactFailed',
      `kustomization path not found: stat ${dir}: no such file or directory`,
      'retry',
    );
  }
  try {
    const { name, fields } = baseFile(fs, dir);
    const overlaid = overlay(fields, object, fs, dir);
    if (isWithoutResources(overlaid)) return [];
    return buildObjects({ fs: withFile(fs, pathOf(dir, name), dump(overlaid)), dir });
  } catch (cause) {
    if (cause instanceof KustomizationFault) throw cause;
    throw new KustomizationFault('BuildFailed', `kustomize build failed: ${errorMessage(cause)}`, 'retry', { cause });
  }
}

/** The folder to build, below the artifact's root whatever `spec.path` says: `..` cannot leave it. */
export function buildDir({ spec }: Kustomization): string {
  const path = join('/', spec.path ?? '').slice(1);
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** The kustomization file of the folder, or one that lists every manifest below it. */
function baseFile(fs: FileSystem, dir: string): { name: string; fields: Fields } {
  const name = kustomizationFileNames.find((candidate) => fs.kindOf(pathOf(dir, candidate)) === 'file');
  if (name === undefined)
    return { name: kustomizationFileNames[0], fields: { resources: manifestsBelow(fs, dir, '') } };
  const fields = load(fs.readFile(pathOf(dir, name))?.toString('utf8') ?? '');
  return { name, fields: isRecord(fields) ? fields : {} };
}

function manifestsBelow(fs: FileSystem, dir: string, below: string): string[] {
  return fs.list(pathOf(dir, below)).flatMap((entry) => {
    const path = below === '' ? entry : `${below}/${entry}`;
    const full = pathOf(dir, path);
    if (fs.kindOf(full) === 'folder') {
      const isKustomization = kustomizationFileNames.some((name) => fs.kindOf(pathOf(full, name)) === 'file');
      return isKustomization ? [path] : manifestsBelow(fs, dir, path);
    }
    if (!/\.ya?ml$/.test(entry)) return [];
    // Decoded here so that a file that is no manifest is named, as Flux names it.
    const documents = parseMappings(fs.readFile(full)?.toString('utf8') ?? '', full);
    return documents.length === 0 ? [] : [path];
  });
}

function overlay(fields: Fields, { spec }: Kustomization, fs: FileSystem, dir: string): Fields {
  const list = (name: string) => (Array.isArray(fields[name]) ? fields[name] : []);
  for (const component of spec.components ?? []) {
    if (!component.startsWith('/') && !component.includes('://')) continue;
    const message = `component path '${component}' must be local and relative`;
    throw new KustomizationFault('BuildFailed', message, 'retry');
  }
  const present = (component: string) =>
    spec.ignoreMissingComponents !== true || fs.kindOf(pathOf(dir, component)) !== undefined;
  return {
    ...fields,
    ...(spec.targetNamespace === undefined ? {} : { namespace: spec.targetNamespace }),
    ...(spec.namePrefix === undefined ? {} : { namePrefix: spec.namePrefix }),
    ...(spec.nameSuffix === undefined ? {} : { nameSuffix: spec.nameSuffix }),
    ...(spec.patches === undefined ? {} : { patches: [...list('patches'), ...spec.patches] }),
    ...(spec.components === undefined
      ? {}
      : { components: [...list('components'), ...spec.components.filter(present)] }),
    ...(spec.images === undefined ? {} : { images: mergedImages(list('images'), spec.images) }),
    ...(spec.buildMetadata === undefined ? {} : { buildMetadata: spec.buildMetadata }),
  };
}

/** One entry a name: the spec's new name wins, its tag and digest replace both of the file's. */
function mergedImages(ofFile: unknown[], ofSpec: NonNullable<Kustomization['spec']['images']>): Fields[] {
  const images = new Map<string, Fields>();
  for (const image of ofFile.filter(isRecord)) images.set(String(image['name']), image);
  for (const { name, newName, newTag, digest } of ofSpec) {
    const { newTag: oldTag, digest: oldDigest, ...rest } = images.get(name) ?? { name };
    const version =
      newTag === undefined && digest === undefined ? { newTag: oldTag, digest: oldDigest } : { newTag, digest };
    images.set(name, { ...rest, ...(newName === undefined ? {} : { newName }), ...version });
  }
  return [...images.values()].map((image) =>
    Object.fromEntries(Object.entries(image).filter(([, value]) => value !== undefined)),
  );
}

const resourceFields = ['resources', 'bases', 'components', 'configMapGenerator', 'secretGenerator'];

/** A folder with nothing in it builds to nothing, which is not a mistake: what was applied before is pruned then. */
function isWithoutResources(fields: Fields): boolean {
  return resourceFields.every((name) => !Array.isArray(fields[name]) || fields[name].length === 0);
}

/** The file system with one file in the place of another, or added. */
function withFile(fs: FileSystem, path: string, text: string): FileSystem {
  return {
    readFile: (asked) => (asked === path ? Buffer.from(text) : fs.readFile(asked)),
    kindOf: (asked) => (asked === path ? 'file' : fs.kindOf(asked)),
    list: (asked) => fs.list(asked),
  };
}
