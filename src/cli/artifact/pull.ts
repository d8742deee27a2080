import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Command as Program } from 'commander';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { type CopyContent, type FoundEntry, readArchive } from '../../controllers/source/archive-reader.ts';
import { readBlob } from '../../oci/blobs.ts';
import { getManifest } from '../../oci/manifest.ts';
import { formatReference, parseReference } from '../../oci/reference.ts';
import { examples, type Shell } from '../command.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { registryOptions, withRegistry } from './open-registry.ts';

export function registerPull(artifact: Program, shell: Shell): void {
  registryOptions(artifact.command('pull'))
    .description('Pull an OCI artifact and unpack it.')
    .argument('<address>', 'oci://host/name:tag, or with @digest')
    .option('--output-path <folder>', 'folder to unpack into; made where it is missing')
    .option(
      '-o, --output <folder|format>',
      'the folder, as Flux has it; with --output-path the form of the result: text, json or yaml',
    )
    .addHelpText(
      'after',
      examples(
        'millrace pull artifact oci://ghcr.io/org/manifests/app:v1.0.0 --output ./app',
        'millrace artifact pull oci://ghcr.io/org/manifests/app:v1.0.0 --output-path ./app -o json',
      ),
    )
    .action(shell.action(pull));
}

async function pull(
  [address = '']: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { repository, reference } = parseReference(address);
  const { signal } = context;
  const folder = resolve(context.cwd, folderOf(options));
  return withRegistry(options, context, async (registry) => {
    const { digest, layers, annotations } = await getManifest(registry, repository, reference, { signal });
    const [layer] = layers;
    if (layer === undefined) {
      throw new MillraceError('OCI_MANIFEST_INVALID', `${formatReference(repository, reference)} has no layer`);
    }
    const source = Readable.from(readBlob(registry, repository, layer, { signal }), { objectMode: false });
    let files = 0;
    await readArchive(source, { signal }, async (entry, copy) => {
      await unpack(join(folder, entry.path), entry.kind, copy);
      if (entry.kind !== 'directory') files++;
    });
    return {
      data: { digest, annotations, files },
      text: `Pulled ${formatReference(repository, digest)}: ${files} files in ${folder}`,
    };
  });
}

function folderOf({ outputPath, output }: Record<string, unknown>): string {
  const folder = outputPath ?? output;
  if (typeof folder === 'string' && folder !== '') return folder;
  throw new MillraceError('BAD_INPUT', 'Where to unpack is not given', {
    hint: 'Add --output-path FOLDER.',
    retry: 'never',
  });
}

async function unpack(target: string, kind: FoundEntry['kind'], copy: CopyContent): Promise<void> {
  let file: FileHandle;
  try {
    await mkdir(kind === 'directory' ? target : dirname(target), { recursive: true });
    if (kind === 'directory') return;
    file = await open(target, 'w', kind === 'executable' ? 0o755 : 0o644);
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `Cannot unpack to ${target}: ${errorMessage(cause)}`, {
      cause,
      retry: 'never',
    });
  }
  try {
    await copy((part) => file.appendFile(part));
  } finally {
    await file.close();
  }
}
