import { join } from 'node:path/posix';
import type { Kustomization } from '../../api/kustomization.ts';
import { errorMessage } from '../../base/error.ts';
import { deepEqual, isRecord } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { buildObjects, type ManifestOrigin } from '../../kustomize/build.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import { kustomizationFileNames } from '../../kustomize/kustomization-file.ts';
import { pathOf } from '../../kustomize/read-named.ts';
import { manifestText, readObjects } from '../../kustomize/read-resources.ts';
import { buildObjectsWithRemotes, type FetchRemote } from '../../kustomize/remotes.ts';
import { parseDocuments } from '../../yaml/documents.ts';
import { printDocument } from '../../yaml/print.ts';
import { KustomizationFault } from './fault.ts';

type Fields = Record<string, unknown>;

/** What a build gives, with the place of each object in git. */
export interface Built {
  objects: KubeObject[];
  origins: ManifestOrigin[];
}

/** The files to build, as a Kustomization wants them. */
export interface Overlay {
  files: FileSystem;
  /** The manifests that were found where there is no kustomization file. */
  manifests: string[];
}

/**
 * The files of a Kustomization with what its spec adds to the kustomization file, which is made where there is none
 * (spec/kustomization.md §4); undefined where there is nothing to build. Throws BuildFailed.
 */
export function overlaidFiles(object: Kustomization, fs: FileSystem): Overlay | undefined {
  try {
    return withOverlay(object, fs, buildDir(object));
  } catch (cause) {
    throw buildFailed(cause);
  }
}

/** Gets remote bases for as long as a build takes. */
export type RemoteBases = <T>(work: (fetch: FetchRemote) => Promise<T>) => Promise<T>;

/** Builds the folder of a Kustomization; remote bases are refused without `remoteBases`. Throws BuildFailed. */
export async function buildKustomization(
  object: Kustomization,
  { files, manifests }: Overlay,
  remoteBases?: RemoteBases,
): Promise<Built> {
  const origins: ManifestOrigin[] = [];
  const onOrigin = (_object: KubeObject, origin: ManifestOrigin) => void origins.push(origin);
  const request = { fs: files, dir: buildDir(object), loadRestrictor: 'none', onOrigin } as const;
  try {
    if (remoteBases === undefined) return { objects: buildObjects(request), origins };
    return { objects: await remoteBases((fetch) => buildObjectsWithRemotes(request, fetch)), origins };
  } catch (error) {
    for (const path of manifests) requireManifest(files, path);
    throw buildFailed(error);
  }
}

/** A file that is no manifest is named as Flux names it, which looks at each before it builds. */
function requireManifest(fs: FileSystem, path: string): void {
  try {
    readObjects(manifestText(fs.readFile(path) ?? Buffer.alloc(0), path), path);
  } catch (cause) {
    const message = `failed to decode Kubernetes YAML from ${errorMessage(cause)}`;
    throw new KustomizationFault('BuildFailed', message, 'retry', { cause });
  }
}

function buildFailed(cause: unknown): KustomizationFault {
  if (cause instanceof KustomizationFault) return cause;
  return new KustomizationFault('BuildFailed', `kustomize build failed: ${errorMessage(cause)}`, 'retry', { cause });
}

/** The folder to build, below the artifact's root whatever `spec.path` says: `..` cannot leave it. */
export function buildDir({ spec }: Kustomization): string {
  const path = join('/', spec.path ?? '').slice(1);
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** The files with the kustomization file that is to be built; undefined for a folder without any manifest. */
function withOverlay(object: Kustomization, fs: FileSystem, dir: string): Overlay | undefined {
  const name = kustomizationFileNames.find((candidate) => fs.kindOf(pathOf(dir, candidate)) === 'file');
  if (name === undefined) {
    const resources = resourcesBelow(fs, dir, '');
    const overlaid = overlay({ resources }, object, fs, dir);
    if (resources.length === 0 && overlaid['components'] === undefined) return undefined;
    const manifests = resources.map((path) => pathOf(dir, path)).filter((path) => fs.kindOf(path) === 'file');
    return { files: withFile(fs, pathOf(dir, kustomizationFileNames[0]), printDocument(overlaid)), manifests };
  }
  const path = pathOf(dir, name);
  const [document] = parseDocuments(fs.readFile(path)?.toString('utf8') ?? '', path, { lastKeyWins: true });
  const fields = isRecord(document) ? document : {};
  const overlaid = overlay(withSomething(fields), object, fs, dir);
  // As it is written where nothing is added, so that errors name the right lines.
  return { files: deepEqual(fields, overlaid) ? fs : withFile(fs, path, printDocument(overlaid)), manifests: [] };
}

/** A file without resources is no mistake, but kustomize takes one without anything for one. */
function withSomething(fields: Fields): Fields {
  const isBare = !Array.isArray(fields['resources']) || fields['resources'].length === 0;
  return isBare ? { ...fields, buildMetadata: ['originAnnotations'] } : fields;
}

/** Manifests, and folders that are built as kustomizations of their own. */
function resourcesBelow(fs: FileSystem, dir: string, below: string): string[] {
  return fs.list(pathOf(dir, below)).flatMap((entry) => {
    const path = below === '' ? entry : `${below}/${entry}`;
    const full = pathOf(dir, path);
    if (fs.kindOf(full) === 'folder') {
      const isKustomization = kustomizationFileNames.some((name) => fs.kindOf(pathOf(full, name)) === 'file');
      return isKustomization ? [path] : resourcesBelow(fs, dir, path);
    }
    return /\.ya?ml$/.test(entry) ? [path] : [];
  });
}

function overlay(fields: Fields, { spec }: Kustomization, fs: FileSystem, dir: string): Fields {
  const list = (name: string) => (Array.isArray(fields[name]) ? fields[name] : []);
  for (const component of spec.components ?? []) {
    if (!component.startsWith('/') && !/^[a-z][a-z0-9+.-]*:/i.test(component)) continue;
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
    ...legacyPatches(fields, spec),
    ...(spec.images === undefined ? {} : { images: mergedImages(list('images'), spec.images) }),
    ...(spec.buildMetadata === undefined || spec.buildMetadata.length === 0
      ? {}
      : { buildMetadata: spec.buildMetadata }),
  };
}

/** Patches in the form of v1beta2, which objects of that time still carry. */
function legacyPatches(fields: Fields, spec: Fields): Fields {
  const merged = (name: string, write: (patch: unknown) => unknown) => {
    const added = spec[name];
    if (!Array.isArray(added)) return {};
    const before = Array.isArray(fields[name]) ? fields[name] : [];
    return { [name]: [...before, ...added.map(write)] };
  };
  return {
    ...merged('patchesStrategicMerge', (patch) => JSON.stringify(patch)),
    ...merged('patchesJson6902', (patch) =>
      isRecord(patch) ? { ...patch, patch: JSON.stringify(patch['patch']) } : patch,
    ),
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

/** The file system with one file in the place of another, or added. */
function withFile(fs: FileSystem, path: string, text: string): FileSystem {
  return {
    readFile: (asked) => (asked === path ? Buffer.from(text) : fs.readFile(asked)),
    kindOf: (asked) => (asked === path ? 'file' : fs.kindOf(asked)),
    list: (asked) => fs.list(asked),
  };
}
