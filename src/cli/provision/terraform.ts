import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { generateTerraform, isGenerated } from '../../provision/terraform/generate.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { readGitopsTree } from './gitops-tree.ts';
import { readConfiguration } from './read-configuration.ts';

const Options = z.object({ filename: z.string(), from: z.string().optional(), out: z.string() });

/** Writes the files that differ, removes those of ours that are not needed any more, and says what remains to be done. */
export async function writeTerraform(
  _: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { filename, from, out } = Options.parse(options);
  const configuration = await readConfiguration(filename, context);
  const tree = from === undefined ? undefined : await readGitopsTree(from, context);
  const files = generateTerraform(configuration, tree);
  const folder = resolve(context.cwd, out);
  const changed: string[] = [];
  try {
    for (const [name, text] of Object.entries(files))
      if (await writeIfDifferent(join(folder, name), text)) changed.push(name);
    for (const name of await leftovers(folder, files)) {
      await rm(join(folder, name));
      changed.push(name);
    }
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `cannot write to ${out}: ${errorMessage(cause)}`, { cause });
  }
  const namespace = configuration.cluster.namespace;
  const withoutMarker =
    tree === undefined
      ? []
      : configuration.images
          .map(({ name }) => `${namespace}:${name}`)
          .filter((policy) => !tree.markers.includes(policy));
  const lines = [
    changed.length === 0 ? `${out}: nothing has changed` : `${out}: wrote ${changed.join(', ')}`,
    ...withoutMarker.map(
      (policy) => `no marker for ${policy}: add  # {"$imagepolicy": "${policy}"}  to the line of its image`,
    ),
  ];
  return { data: { files: Object.keys(files), changed, withoutMarker }, text: lines.join('\n') };
}

async function writeIfDifferent(path: string, text: string): Promise<boolean> {
  const current = await readFile(path, 'utf8').catch(() => undefined);
  if (current === text) return false;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return true;
}

/** Files that an earlier generation wrote and this one does not; files of others are never touched. */
async function leftovers(folder: string, files: Record<string, string>): Promise<string[]> {
  const names = await Promise.all(
    ['.', 'owners', 'delivery', 'delivery/templates'].map(async (part) =>
      (await readdir(join(folder, part), { withFileTypes: true }).catch(() => []))
        .filter((entry) => entry.isFile())
        .map(({ name }) => (part === '.' ? name : `${part}/${name}`)),
    ),
  );
  const unneeded = names.flat().filter((name) => files[name] === undefined);
  const texts = await Promise.all(unneeded.map((name) => readFile(join(folder, name), 'utf8')));
  return unneeded.filter((name, index) => isGenerated(name, texts[index] ?? ''));
}
