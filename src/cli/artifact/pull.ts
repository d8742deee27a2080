import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Command as Program } from 'commander';
import { MillraceError } from '../../base/error.ts';
import { readArchive } from '../../controllers/source/archive-reader.ts';
import { readBlob } from '../../oci/blobs.ts';
import { getManifest } from '../../oci/manifest.ts';
import { formatReference, parseReference } from '../../oci/reference.ts';
import { examples, outputOption, type Shell } from '../command.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { registryOptions, withRegistry } from './open-registry.ts';

export function registerPull(artifact: Program, shell: Shell): void {
  registryOptions(artifact.command('pull'))
    .description('Pull an OCI artifact and unpack it.')
    .argument('<address>', 'oci://host/name:tag, or with @digest')
    .requiredOption('--output-path <folder>', 'folder to unpack into; made where it is missing')
    .addOption(outputOption())
    .addHelpText('after', examples('millrace artifact pull oci://ghcr.io/org/manifests/app:v1.0.0 --output-path ./app'))
    .action(shell.action(pull));
}

async function pull(
  [address = '']: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { repository, reference } = parseReference(address);
  const { signal } = context;
  const folder = resolve(context.cwd, String(options['outputPath']));
  return withRegistry(options, context, async (registry) => {
    const { digest, layers, annotations } = await getManifest(registry, repository, reference, { signal });
    const [layer] = layers;
    if (layer === undefined) {
      throw new MillraceError('OCI_MANIFEST_INVALID', `${formatReference(repository, reference)} has no layer`);
    }
    const source = Readable.from(readBlob(registry, repository, layer, { signal }), { objectMode: false });
    let files = 0;
    await readArchive(source, { signal }, async ({ path, kind }, copy) => {
      const target = join(folder, path);
      await mkdir(kind === 'directory' ? target : dirname(target), { recursive: true });
      if (kind === 'directory') return;
      const stream = createWriteStream(target, { mode: kind === 'executable' ? 0o755 : 0o644 });
      await copy(async (part) => {
        if (!stream.write(part)) await once(stream, 'drain', { signal });
      });
      stream.end();
      await once(stream, 'close', { signal });
      files++;
    });
    return {
      data: { digest, annotations, files },
      text: `Pulled ${formatReference(repository, digest)}: ${files} files in ${folder}`,
    };
  });
}
