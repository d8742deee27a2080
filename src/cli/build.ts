import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { MillraceError } from '../base/error.ts';
import { build } from '../kustomize/build.ts';
import { diskFileSystem } from '../kustomize/file-system.ts';
import { examples, type Shell } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';

export function register(program: Command, shell: Shell): void {
  program
    .command('build')
    .argument('[dir]', 'folder with a kustomization file', '.')
    .description('build a kustomization and print its objects')
    .option('-o, --output <file>', 'write to this file instead of standard output')
    .option(
      '--root <dir>',
      'folder that bases and files may not leave (default: the repository around dir, or dir itself)',
    )
    .addHelpText('after', examples('millrace build apps/mainapp', 'millrace build overlays/prod -o prod.yaml'))
    .action(shell.action(async ([dir], options, context) => runBuild(dir ?? '.', options, context)));
}

async function runBuild(dir: string, options: Record<string, unknown>, { cwd }: CliContext): Promise<CommandResult> {
  const folder = resolve(cwd, dir);
  if (!isFolder(folder)) throw new MillraceError('BAD_INPUT', `'${dir}' is not a folder`, { retry: 'never' });
  const root = typeof options['root'] === 'string' ? resolve(cwd, options['root']) : repositoryAround(folder);
  const text = build({ fs: diskFileSystem(root), dir: folder.slice(root.length) });
  if (typeof options['output'] !== 'string') return { text };
  await writeFile(resolve(cwd, options['output']), text);
  return {};
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The nearest folder with a `.git`, the folder itself where there is none. */
function repositoryAround(folder: string): string {
  for (let current = folder; ; current = dirname(current)) {
    if (statSync(resolve(current, '.git'), { throwIfNoEntry: false }) !== undefined) return current;
    if (dirname(current) === current) return folder;
  }
}
