import { textAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import { parseDocuments } from '../../yaml/documents.ts';

interface Manifest {
  kind: string;
  name: string;
  namespace: string | undefined;
  /** `path:line` */
  place: string;
}

const mostFiles = 2_000;

/**
 * Says where in an artifact an object was written, as `path:line`; undefined where it cannot be told, as for generated ones.
 * Reads every manifest, so it is for errors only. An object that a prefix or suffix renamed is found by its longest match.
 */
export function createOriginFinder(fs: FileSystem, dir: string): (object: KubeObject) => string | undefined {
  let manifests: Manifest[] | undefined;
  return ({ kind, metadata }) => {
    manifests ??= [...manifestsBelow(fs, dir), ...(dir === '' ? [] : manifestsBelow(fs, ''))];
    const { name, namespace } = metadata;
    const candidates = manifests.filter((manifest) => manifest.kind === kind && name.includes(manifest.name));
    const rank = (manifest: Manifest) => manifest.name.length * 2 + (manifest.namespace === namespace ? 1 : 0);
    candidates.sort((a, b) => rank(b) - rank(a));
    return candidates[0]?.place;
  };
}

function manifestsBelow(fs: FileSystem, root: string): Manifest[] {
  const found: Manifest[] = [];
  const folders = [root];
  let files = 0;
  for (let folder = folders.pop(); folder !== undefined && files < mostFiles; folder = folders.pop()) {
    for (const entry of fs.list(folder)) {
      const path = folder === '' ? entry : `${folder}/${entry}`;
      if (fs.kindOf(path) === 'folder') folders.push(path);
      else if (/\.ya?ml$/.test(entry) && files++ < mostFiles) found.push(...manifestsIn(fs, path));
    }
  }
  return found;
}

function manifestsIn(fs: FileSystem, path: string): Manifest[] {
  const found: Manifest[] = [];
  let line = 1;
  for (const text of (fs.readFile(path)?.toString('utf8') ?? '').split(/^---.*$/m)) {
    const leading = text.length - text.trimStart().length;
    const start = line + text.slice(0, leading).split('\n').length - 1;
    line += text.split('\n').length - 1;
    const document = read(text, path);
    const kind = textAt(document, 'kind');
    const name = textAt(document, 'metadata', 'name');
    if (kind === undefined || name === undefined) continue;
    found.push({ kind, name, namespace: textAt(document, 'metadata', 'namespace'), place: `${path}:${start}` });
  }
  return found;
}

function read(text: string, path: string): unknown {
  try {
    return parseDocuments(text, path)[0];
  } catch {
    return undefined;
  }
}
