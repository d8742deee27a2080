import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import { imagesOfTree, type TreeImages } from '../../provision/ecr-references.ts';
import { parseDocuments } from '../../yaml/documents.ts';
import type { CliContext } from '../context.ts';

/** A GitOps tree on disk: what it says about images, and which policies have a marker in it. */
export interface GitopsTree extends TreeImages {
  /** `namespace:name` of every policy that a marker names. */
  markers: string[];
}

/** Reads every YAML file of a folder; files that are templates of something else and do not parse are passed over. */
export async function readGitopsTree(folder: string, { cwd }: CliContext): Promise<GitopsTree> {
  const root = resolve(cwd, folder);
  const objects: Record<string, unknown>[] = [];
  const markers = new Set<string>();
  for (const path of await yamlFiles(root, folder)) {
    const text = await readFile(path, 'utf8');
    for (const [, policy = ''] of text.matchAll(/\{"\$imagepolicy":\s*"([^":]+:[^":]+)/g)) markers.add(policy);
    objects.push(...documentsOf(text, path));
  }
  return { ...imagesOfTree(objects), markers: [...markers].sort() };
}

async function yamlFiles(root: string, folder: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !/[\\/](\.git|node_modules)[\\/]/.test(path))
      .sort();
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `cannot read the tree ${folder}: ${errorMessage(cause)}`, { cause });
  }
}

function documentsOf(text: string, path: string): Record<string, unknown>[] {
  try {
    return parseDocuments(text, path).filter(isRecord);
  } catch {
    return [];
  }
}
