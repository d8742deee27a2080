import type { Command as Program } from 'commander';
import { pushManifest } from '../../oci/blobs.ts';
import { getManifest } from '../../oci/manifest.ts';
import { formatRepository, parseReference } from '../../oci/reference.ts';
import { examples, outputOption, type Shell } from '../command.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { collectList, registryOptions, withRegistry } from './open-registry.ts';

export function registerTag(artifact: Program, shell: Shell): void {
  registryOptions(artifact.command('tag'))
    .description('Give an OCI artifact further tags.')
    .argument('<address>', 'oci://host/name:tag, or with @digest')
    .requiredOption('--tag <tag>', 'tag to add; repeatable, or several with commas between', collectList)
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples('millrace artifact tag oci://ghcr.io/org/manifests/app:v1.0.0 --tag latest --tag stable'),
    )
    .action(shell.action(tag));
}

async function tag(
  [address = '']: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { repository, reference } = parseReference(address);
  const { signal } = context;
  const tags = options['tag'] as string[];
  return withRegistry(options, context, async (registry) => {
    const { raw, mediaType, digest } = await getManifest(registry, repository, reference, { signal });
    const name = formatRepository(repository);
    for (const added of tags) {
      // The form of a tag is checked before it becomes part of a path.
      const target = parseReference(`${name}:${added}`).reference;
      await pushManifest(registry, repository, target, { raw, mediaType, signal });
    }
    return {
      data: { repository: name, digest, tags },
      text: tags.map((added) => `Tagged ${name}:${added}@${digest}`).join('\n'),
    };
  });
}
