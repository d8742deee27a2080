import { errorMessage, isMillraceError } from '../../../base/error.ts';
import { isRecord } from '../../../base/json.ts';
import { type FileSystem, normalPath } from '../../../kustomize/file-system.ts';
import { parseDocuments } from '../../../yaml/documents.ts';
import type { Decryptor } from './decryptor.ts';
import { sopsError } from './sops-error.ts';
import { formatOfName, isEncryptedAs, type SopsFormat } from './sops-format.ts';

const largestFile = 5 * 1024 * 1024;
const fileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/**
 * A view of a file tree in which the files that secret generators and patches read are in plain, for every kustomization
 * that `dir` reaches within the tree (spec/kustomization.md §5 a). Throws SOPS_DECRYPTION_FAILED.
 */
export async function decryptedFiles(fs: FileSystem, dir: string, decryptor: Decryptor): Promise<FileSystem> {
  const plain = new Map<string, Buffer>();
  const seen = new Set<string>();
  const waiting = [normalPath(dir)];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (seen.has(folder)) continue;
    seen.add(folder);
    const kustomization = readKustomization(fs, folder);
    for (const [name, format] of filesToDecrypt(kustomization)) {
      const path = localPath(folder, name);
      if (path === undefined || plain.has(path)) continue;
      const content = await decryptFile(fs, path, format, decryptor);
      if (content !== undefined) plain.set(path, content);
    }
    waiting.push(...foldersOf(fs, folder, kustomization));
  }
  if (plain.size === 0) return fs;
  return { ...fs, readFile: (path) => plain.get(normalPath(path)) ?? fs.readFile(path) };
}

async function decryptFile(
  fs: FileSystem,
  path: string,
  format: SopsFormat,
  decryptor: Decryptor,
): Promise<Buffer | undefined> {
  const data = fs.readFile(path);
  if (data === undefined || !isEncryptedAs(format, data)) return undefined;
  if (data.length > largestFile) {
    throw sopsError(`cannot decrypt ${path}: its ${data.length} bytes exceed the limit of ${largestFile}`);
  }
  try {
    return await decryptor.decryptData(data, format, format);
  } catch (cause) {
    const hint = isMillraceError(cause) ? cause.hint : undefined;
    throw sopsError(`failed to decrypt ${path}: ${errorMessage(cause)}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** The first kustomization file of a folder; what is wrong with it the build will say. */
function readKustomization(fs: FileSystem, folder: string): Record<string, unknown> {
  for (const name of fileNames) {
    const content = fs.readFile(`${folder}/${name}`);
    if (content === undefined) continue;
    try {
      return parseDocuments(content.toString('utf8'), name).find(isRecord) ?? {};
    } catch {
      return {};
    }
  }
  return {};
}

function filesToDecrypt(kustomization: Record<string, unknown>): [name: string, format: SopsFormat][] {
  const found: [string, SopsFormat][] = [];
  for (const generator of records(kustomization['secretGenerator'])) {
    for (const source of texts(generator['files'])) {
      const equals = source.indexOf('=');
      found.push([source.slice(equals + 1), formatOfName(equals < 0 ? source : source.slice(0, equals))]);
    }
    const single = generator['env'];
    for (const source of [...texts(generator['envs']), ...(typeof single === 'string' ? [single] : [])]) {
      const format = formatOfName(source);
      found.push([source, format === 'binary' ? 'dotenv' : format]);
    }
  }
  for (const patch of records(kustomization['patches'])) {
    const path = patch['path'];
    if (typeof path === 'string' && path !== '') found.push([path, formatOfName(path)]);
  }
  return found;
}

function foldersOf(fs: FileSystem, folder: string, kustomization: Record<string, unknown>): string[] {
  return [...texts(kustomization['resources']), ...texts(kustomization['components']), ...texts(kustomization['bases'])]
    .map((name) => localPath(folder, name))
    .filter((path): path is string => path !== undefined && fs.kindOf(path) === 'folder');
}

/** Undefined for what is not within the tree: URLs, and paths that leave it, which the build refuses. */
function localPath(folder: string, name: string): string | undefined {
  if (name.includes('://')) return undefined;
  try {
    return normalPath(name.startsWith('/') ? name : `${folder}/${name}`);
  } catch {
    return undefined;
  }
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
