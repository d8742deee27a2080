import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command as Program } from 'commander';
import { formatTime } from '../../base/clock.ts';
import { MillraceError } from '../../base/error.ts';
import { pushBlob, pushManifest } from '../../oci/blobs.ts';
import { mediaTypes } from '../../oci/manifest.ts';
import { formatRepository, isDigest, parseReference } from '../../oci/reference.ts';
import { examples, outputOption, type Shell } from '../command.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { collectList, registryOptions, withRegistry } from './open-registry.ts';
import { packFolder } from './pack-folder.ts';

/** As Flux's own command line writes them, so that either reads the other's artifacts. */
export const configMediaType = 'application/vnd.cncf.flux.config.v1+json';
export const contentMediaType = 'application/vnd.cncf.flux.content.v1.tar+gzip';

export function registerPush(artifact: Program, shell: Shell): void {
  registryOptions(artifact.command('push'))
    .description('Pack a folder and push it as an OCI artifact for an OCIRepository.')
    .argument('<address>', 'oci://host/name:tag')
    .requiredOption('-f, --path <path>', 'folder or file to pack; - for manifests from standard input')
    .requiredOption('--source <url>', 'where the content comes from, such as the URL of the git repository')
    .requiredOption('--revision <revision>', 'revision of the content, such as main@sha1:…')
    .option('-a, --annotations <key=value>', 'further annotation of the manifest; repeatable', collect)
    .option(
      '--ignore-paths <patterns>',
      'patterns to leave out, as in .gitignore, in place of the defaults; repeatable, or with commas between',
      collectList,
    )
    .option('--resolve-symlinks', 'put what symbolic links point at in their places; otherwise they are left out')
    .option('--reproducible', 'the same content gives the same digest: without the time of making')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'millrace artifact push oci://ghcr.io/org/manifests/app:v1.0.0 --path ./deploy --source "$(git config --get remote.origin.url)" --revision "main@sha1:$(git rev-parse HEAD)"',
        'kustomize build . | millrace artifact push oci://ghcr.io/org/manifests/app:v1.0.0 --path - --source ci --revision 42',
      ),
    )
    .action(shell.action(push));
}

async function push(
  [address = '']: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { repository, reference } = parseReference(address);
  if (isDigest(reference)) throw new MillraceError('BAD_INPUT', 'Push to a tag, not to a digest', { retry: 'never' });
  const { signal } = context;
  const annotations = annotationsOf(options);
  const content = await packed(options, context);
  return withRegistry(options, context, async (registry) => {
    const layer = await pushBlob(registry, repository, { data: content, mediaType: contentMediaType }, { signal });
    const empty = { data: Buffer.from('{}'), mediaType: configMediaType };
    const config = await pushBlob(registry, repository, empty, { signal });
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config,
      layers: [layer],
      annotations,
    };
    const raw = Buffer.from(JSON.stringify(manifest));
    const digest = await pushManifest(registry, repository, reference, { raw, mediaType: manifest.mediaType, signal });
    const name = formatRepository(repository);
    return {
      data: { url: `oci://${name}`, repository: name, tag: reference, digest },
      text: `Pushed ${name}:${reference}@${digest}`,
    };
  });
}

const collect = (value: string, before: string[] = []) => [...before, value];

async function packed(options: Record<string, unknown>, { cwd, signal, stdin }: CliContext): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-push-'));
  try {
    const file = join(dir, 'content.tar.gz');
    const isPiped = options['path'] === '-';
    const path = isPiped ? join(dir, 'manifests.yaml') : resolve(cwd, String(options['path']));
    if (isPiped) await pipeline(stdin, createWriteStream(path), { signal });
    const patterns = options['ignorePaths'];
    const ignore = Array.isArray(patterns) ? { ignore: patterns.join('\n') } : {};
    await packFolder(path, file, { signal, ...ignore, resolveLinks: options['resolveSymlinks'] === true });
    return await readFile(file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function annotationsOf({
  source,
  revision,
  annotations,
  reproducible,
}: Record<string, unknown>): Record<string, string> {
  const more = Array.isArray(annotations) ? (annotations as string[]) : [];
  const pairs = more.map((pair) => {
    const equals = pair.indexOf('=');
    if (equals > 0) return [pair.slice(0, equals), pair.slice(equals + 1)];
    throw new MillraceError('BAD_INPUT', `--annotations ${pair} is not of the form key=value`, { retry: 'never' });
  });
  return {
    ...(reproducible === true ? {} : { 'org.opencontainers.image.created': formatTime(Date.now()) }),
    'org.opencontainers.image.revision': String(revision),
    'org.opencontainers.image.source': String(source),
    ...Object.fromEntries(pairs),
  };
}
