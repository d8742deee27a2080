import type { Command as Program } from 'commander';
import { inParallel } from '../../base/parallel.ts';
import { parseRange, satisfiesRange } from '../../images/semver-range.ts';
import { parseTagVersion } from '../../images/semver-version.ts';
import { compileTagPattern } from '../../images/tag-pattern.ts';
import { getManifest } from '../../oci/manifest.ts';
import { formatRepository, parseArtifactUrl } from '../../oci/reference.ts';
import { listTags } from '../../oci/tags.ts';
import { examples, outputOption, type Shell } from '../command.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { formatTable } from '../table.ts';
import { registryOptions, withRegistry } from './open-registry.ts';

export function registerList(artifact: Program, shell: Shell): void {
  registryOptions(artifact.command('list'))
    .description('List the artifacts of a repository with digest, source and revision.')
    .argument('<address>', 'oci://host/name')
    .option('--filter-semver <range>', 'only tags in a version range')
    .option('--filter-regex <pattern>', 'only tags that the pattern matches (RE2)')
    .addOption(outputOption())
    .addHelpText('after', examples('millrace artifact list oci://ghcr.io/org/manifests/app --filter-semver ">=1.0.0"'))
    .action(shell.action(list));
}

interface ListedArtifact {
  artifact: string;
  digest: string;
  source: string;
  revision: string;
}

const width = 8;

async function list(
  [address = '']: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const repository = parseArtifactUrl(address);
  const { signal } = context;
  const isWanted = tagFilter(options);
  return withRegistry(options, context, async (registry) => {
    const tags = (await listTags(registry, repository, { signal })).filter(isWanted);
    const found: ListedArtifact[] = [];
    await inParallel(tags, width, async (tag, index) => {
      const { digest, annotations } = await getManifest(registry, repository, tag, { signal });
      found[index] = {
        artifact: `${formatRepository(repository)}:${tag}`,
        digest,
        source: annotations['org.opencontainers.image.source'] ?? '',
        revision: annotations['org.opencontainers.image.revision'] ?? '',
      };
    });
    const rows = found.map(({ artifact, digest, source, revision }) => [artifact, digest, source, revision]);
    return { data: found, text: formatTable(['ARTIFACT', 'DIGEST', 'SOURCE', 'REVISION'], rows) };
  });
}

function tagFilter({ filterSemver, filterRegex }: Record<string, unknown>): (tag: string) => boolean {
  if (typeof filterRegex === 'string') {
    const pattern = compileTagPattern(filterRegex, (complaint) => `--filter-regex: ${complaint}`);
    return (tag) => pattern.matches(tag);
  }
  if (typeof filterSemver !== 'string') return () => true;
  const range = parseRange(filterSemver);
  return (tag) => {
    const version = parseTagVersion(tag);
    return version !== undefined && satisfiesRange(range, version);
  };
}
