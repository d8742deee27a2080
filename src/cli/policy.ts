import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { loadAll } from 'js-yaml';
import { z } from 'zod';
import { ImagePolicy } from '../api/image-policy.ts';
import { kindRef } from '../api/kind.ts';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { explainTags, type TagExplanation } from '../images/explain-tags.ts';
import type { TagSelection } from '../images/policy.ts';
import { collectList } from './artifact/open-registry.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { addKubeOptions, withCluster } from './kube-options.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const policy = program.command('policy').description('try image policies before they decide anything');
  const test = policy
    .command('test [name]')
    .description('show which tag a policy chooses, and for every other tag the rule that rejects it')
    .option('-f, --filename <file>', "an ImagePolicy manifest, or '-' for standard input (default: the cluster's)")
    .option('--name <name>', 'which ImagePolicy of the file, when it holds several')
    .option('--tags-file <file>', "the tags, one a line, or '-' for standard input")
    .option('--image <image>', 'ask the registry of this image for its tags')
    .option('--registry-endpoint <host=url>', 'reach a registry elsewhere than its name says; repeatable', collectList)
    .option('-n, --namespace <name>', "namespace of the policy, where the manifest names none (default: the context's)")
    .addOption(outputOption());
  addKubeOptions(test)
    .addHelpText(
      'after',
      examples(
        'millrace policy test -f policy.yaml',
        'millrace policy test app -n flux-system',
        'millrace policy test -f policy.yaml --image ghcr.io/acme/app',
        'millrace policy test -f policy.yaml --tags-file tags.txt',
        'crane ls IMAGE | millrace policy test -f policy.yaml --tags-file - -o json',
      ),
    )
    .action(shell.action(testPolicy));
};

async function testPolicy(
  [name]: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const policy = await loadPolicy(name, options, context);
  const explanation = explainTags(policy.selection, await loadTags(policy, options, context));
  const exitCode = explanation.latest === null ? exitCodes.failed : exitCodes.ok;
  return { data: explanation, text: formatExplanation(explanation), exitCode };
}

/** From a file, or the one of a name in the cluster. */
async function loadPolicy(
  inCluster: string | undefined,
  options: Record<string, unknown>,
  context: CliContext,
): Promise<PolicyFile> {
  const { filename, name, tagsFile, namespace: asked } = TestOptions.parse(options);
  if (filename !== undefined) {
    if (filename === '-' && tagsFile === '-') {
      throw new MillraceError('BAD_INPUT', 'the policy and the tags cannot both come from standard input');
    }
    return parsePolicyFile(await readInput(filename, context), filename, name ?? inCluster);
  }
  if (inCluster === undefined) {
    throw new MillraceError('BAD_INPUT', 'no policy to test', {
      hint: 'Give a manifest with -f, or the name of an ImagePolicy of the cluster.',
    });
  }
  return withCluster(options, context, async ({ client, config }) => {
    const namespace = asked ?? config.namespace;
    const where = `ImagePolicy ${namespace}/${inCluster}`;
    const object = await client.get({ ...kindRef(ImagePolicy), namespace, name: inCluster }, context);
    if (object === undefined) throw new MillraceError('BAD_INPUT', `${where} does not exist`);
    return policyOf(object, where);
  });
}

/** From a file, from the registry of an image, or from that of the ImageRepository in the cluster. */
async function loadTags(policy: PolicyFile, options: Record<string, unknown>, context: CliContext): Promise<string[]> {
  const { tagsFile, image, namespace } = TestOptions.parse(options);
  if (tagsFile !== undefined) return parseTags(await readInput(tagsFile, context));
  const { tagsOfImage, tagsOfRepository } = await import('./policy-tags.ts');
  if (image !== undefined) return tagsOfImage(image, options, context);
  const { repository } = policy;
  if (repository?.name === undefined) {
    throw new MillraceError('BAD_INPUT', 'the policy names no ImageRepository to take the tags of', {
      hint: 'Give the tags with --tags-file, or an image with --image.',
    });
  }
  const { name } = repository;
  return withCluster(options, context, ({ client, config }) => {
    const own = repository.namespace ?? policy.namespace ?? namespace ?? config.namespace;
    return tagsOfRepository({ namespace: own, name }, client, { options, context });
  });
}

const TestOptions = z.object({
  filename: z.string().optional(),
  name: z.string().optional(),
  tagsFile: z.string().optional(),
  image: z.string().optional(),
  namespace: z.string().optional(),
});

/** A policy with what says where its tags are. */
interface PolicyFile {
  selection: TagSelection;
  repository: { name: string; namespace?: string | undefined } | undefined;
  namespace: string | undefined;
}

const order = z.object({ order: z.string().optional() });

/** What of an ImagePolicy's spec decides; anything else in it is of no concern here. */
const PolicySpec = z.object({
  policy: z.object({
    semver: z.object({ range: z.string() }).optional(),
    alphabetical: order.nullish().transform((value) => value ?? undefined),
    numerical: order.nullish().transform((value) => value ?? undefined),
  }),
  filterTags: z.object({ pattern: z.string().optional(), extract: z.string().optional() }).optional(),
  imageRepositoryRef: z.object({ name: z.string(), namespace: z.string().optional() }).optional(),
});

/** The policy of a manifest; a bare spec (`policy:` at the top) will do as well. */
function parsePolicyFile(source: string, file: string, name: string | undefined): PolicyFile {
  const documents = loadDocuments(source, file).filter(isRecord).flatMap(itemsOf);
  const found = documents
    .filter((document) => document['kind'] === 'ImagePolicy' || document['policy'] !== undefined)
    .filter((document) => name === undefined || nameOf(document) === name);
  const [document] = found;
  if (document === undefined || found.length !== 1) {
    throw new MillraceError(
      'BAD_INPUT',
      `${file}: ${found.length} ImagePolicy objects${name ? ` named '${name}'` : ''}, need one`,
      {
        hint: found.length > 1 ? 'Choose one with --name.' : 'Give a manifest of kind ImagePolicy.',
      },
    );
  }
  return policyOf(document, file);
}

/** The objects of a List, as `kubectl get -o yaml` prints several. */
function itemsOf(document: Record<string, unknown>): Record<string, unknown>[] {
  const { kind, items } = document;
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)
    ? items.filter(isRecord)
    : [document];
}

function policyOf(document: Record<string, unknown>, file: string): PolicyFile {
  const result = PolicySpec.safeParse(document['spec'] ?? document);
  if (result.success) {
    const { imageRepositoryRef: repository, ...selection } = result.data;
    return { selection: selection as TagSelection, repository, namespace: namespaceOf(document) };
  }
  const faults = result.error.issues.map((issue) => `spec.${issue.path.join('.')}: ${issue.message}`);
  throw new MillraceError('BAD_INPUT', `${file}: ${faults.join('; ')}`);
}

function loadDocuments(source: string, file: string): unknown[] {
  try {
    return loadAll(source);
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function namespaceOf({ metadata }: Record<string, unknown>): string | undefined {
  return isRecord(metadata) && typeof metadata['namespace'] === 'string' ? metadata['namespace'] : undefined;
}

function nameOf(document: Record<string, unknown>): unknown {
  return isRecord(document['metadata']) ? document['metadata']['name'] : undefined;
}

function parseTags(source: string): string[] {
  return source.split(/\r?\n/).filter((line) => line !== '');
}

async function readInput(file: string, { stdin, cwd }: CliContext): Promise<string> {
  if (file === '-') return readAll(stdin);
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (cause) {
    throw new MillraceError(
      'BAD_INPUT',
      `cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function formatExplanation({ latest, error, rejected }: TagExplanation): string {
  const width = Math.max(0, ...rejected.map(({ tag }) => tag.length));
  const lines = rejected.map(({ tag, reason }) => `  ${tag.padEnd(width)}  ${reason}`);
  return [
    latest === null ? `no tag: ${error}` : `latest: ${latest}`,
    ...(lines.length > 0 ? ['rejected:', ...lines] : []),
  ].join('\n');
}
