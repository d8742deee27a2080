import { constants } from 'node:fs';
import { access, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { load } from 'js-yaml';
import { z } from 'zod';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { Configuration, parseConfiguration } from '../../provision/configuration.ts';
import { configurationTemplate } from '../../provision/configuration-template.ts';
import { covering, parseEcrReference } from '../../provision/ecr-references.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { readGitopsTree } from '../provision/gitops-tree.ts';
import {
  discoverAccount,
  discoverCluster,
  discoverContext,
  discoverGit,
  discoverIssuer,
  discoverRepositories,
  type Finding,
} from './discover.ts';
import { newQuestions, type Questions } from './questions.ts';

const Options = z.object({
  filename: z.string(),
  name: z.string().optional(),
  engine: z.enum(['flux', 'millrace']).default('flux'),
  account: z.string().optional(),
  region: z.string().optional(),
  cluster: z.string().optional(),
  issuer: z.string().optional(),
  gitUrl: z.string().optional(),
  gitPath: z.string().optional(),
  repository: z.array(z.string()).default([]),
  from: z.string().optional(),
});
type Options = z.infer<typeof Options>;

/** Writes a configuration that `parseConfiguration` accepts; an existing file is never overwritten. */
export async function writeConfiguration(
  _: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const given = Options.parse(options);
  const path = resolve(context.cwd, given.filename);
  // Before anything is asked: the answers would be lost.
  await requireWritable(path, given.filename);
  const questions = newQuestions(context);
  try {
    const facts = await settle(given, questions, options, context);
    const text = configurationTemplate({ ...facts.configuration, engine: given.engine });
    parseConfiguration(load(text), given.filename);
    await write(path, given.filename, text);
    const found = Object.entries(facts.sources).map(
      ([what, { value, from }]) => `  ${what.padEnd(12)} ${value}  (${from})`,
    );
    return {
      data: { file: given.filename, found: facts.sources },
      text: [`Wrote ${given.filename}`, ...found, '', ...nextSteps].join('\n'),
    };
  } finally {
    questions.close();
  }
}

const nextSteps = [
  'next: read it, then',
  '  millrace iam policy                            the policy that it asks for',
  '  millrace provision terraform --out terraform   the Terraform configuration',
  '  millrace provision apply --dry-run             or what would be done directly',
];

/** Asks for each fact, or finds it out, in the order in which one leads to the next. */
async function settle(given: Options, questions: Questions, options: Record<string, unknown>, context: CliContext) {
  const shape = Configuration.shape;
  const inContext = given.cluster === undefined ? await discoverContext(options, context) : undefined;
  const { env } = context;
  const region = await questions.settle({
    text: 'AWS region',
    option: '--region',
    schema: shape.aws.shape.region,
    given: given.region,
    found:
      finding(env['AWS_REGION'] || env['AWS_DEFAULT_REGION'], 'AWS_REGION') ?? finding(inContext?.region, 'kubeconfig'),
  });
  const at = region?.value;
  const cluster = await questions.settle({
    text: 'Name of the EKS cluster',
    option: '--cluster',
    schema: shape.cluster.shape.name,
    given: given.cluster,
    found:
      finding(inContext?.name, 'kubeconfig') ??
      finding(at === undefined || given.cluster !== undefined ? undefined : await discoverCluster(at, context), 'EKS'),
  });
  const origin = await discoverGit(context);
  const gitUrl = await questions.settle({
    text: 'URL of the git repository',
    option: '--git-url',
    schema: shape.git.shape.url,
    given: given.gitUrl,
    found: finding(origin?.url, 'remote origin'),
  });
  const gitPath = await questions.settle({
    text: 'Folder of it that the cluster runs',
    option: '--git-path',
    schema: z.string().min(1),
    given: given.gitPath,
    found: { value: `./clusters/${cluster?.value ?? 'main'}`, from: 'by the name of the cluster' },
  });
  const account =
    finding(given.account, '--account') ??
    finding(at === undefined ? undefined : await discoverAccount(at, context), 'AWS credentials');
  const home = { aws: { region: at ?? '', ...(account === undefined ? {} : { account: account.value }) } };
  const repositories = await settleRepositories(given, home, questions, context);
  questions.requireAnswers();
  if (region === undefined || cluster === undefined || gitUrl === undefined || gitPath === undefined)
    throw new Error('an open question was not reported');
  const issuer =
    finding(given.issuer, '--issuer') ??
    (await discoverIssuer({ region: region.value, cluster: cluster.value }, options, context));
  return {
    sources: {
      region,
      cluster,
      ...(account === undefined ? {} : { account }),
      ...(issuer === undefined ? {} : { issuer }),
      git: gitUrl,
      repositories: { value: repositories.names.join(' '), from: repositories.from },
      ...(repositories.missing.length === 0
        ? {}
        : { 'to create': { value: repositories.missing.join(' '), from: 'not in ECR yet' } }),
    },
    configuration: {
      name: given.name ?? nameOf(cluster.value),
      region: region.value,
      cluster: cluster.value,
      gitUrl: gitUrl.value,
      gitPath: gitPath.value,
      repositories: repositories.names,
      missing: repositories.missing,
      ...(origin?.username === undefined || origin.url !== gitUrl.value ? {} : { gitUsername: origin.username }),
      ...(account === undefined ? {} : { account: account.value }),
      ...(issuer === undefined ? {} : { issuer: issuer.value }),
    },
  };
}

/** Named by options and by the tree, else asked for; what the account has is shown, and never taken without a word. */
async function settleRepositories(
  given: Options,
  home: Pick<Configuration, 'aws'>,
  questions: Questions,
  context: CliContext,
): Promise<{ names: string[]; missing: string[]; from: string }> {
  const tree = given.from === undefined ? undefined : await readGitopsTree(given.from, context);
  const named = [...given.repository, ...(tree?.scanned ?? [])];
  const short = (texts: readonly string[]) =>
    covering(
      texts.map((each) => parseEcrReference(each, home)),
      home,
    );
  const present = home.aws.region === '' ? undefined : await discoverRepositories(home.aws.region, context);
  const isMissing = (name: string) => present !== undefined && !/[*?:]/.test(name) && !present.includes(name);
  const result = (texts: readonly string[], from: string) => {
    const names = short(texts);
    return { names, missing: names.filter(isMissing), from };
  };
  if (named.length > 0) return result(named, tree === undefined ? '--repository' : `--from ${given.from}`);
  const shown = present?.slice(0, 12).join(' ') ?? '';
  const answer = await questions.settle({
    text: 'ECR repositories or patterns that are scanned, separated by spaces',
    option: '--repository or --from',
    schema: z.string().min(1, 'name at least one, such as apps/* or apps/mainapp'),
    given: undefined,
    found: undefined,
    ...(shown === '' ? {} : { note: `  the account has: ${shown}${(present?.length ?? 0) > 12 ? ' …' : ''}` }),
  });
  return result(answer?.value.split(/[\s,]+/) ?? [], answer?.from ?? '');
}

function finding(value: string | undefined, from: string): Finding | undefined {
  return value === undefined || value === '' ? undefined : { value, from };
}

/** Cluster names may have capitals and underscores, the names of what is made may not. */
function nameOf(cluster: string): string {
  return cluster
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40);
}

/** A file that holds nothing is as good as none. */
async function requireWritable(path: string, name: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw unwritable(name, error);
  });
  if (text !== undefined && text.trim() !== '') throw present(name);
  try {
    await access(text === undefined ? dirname(path) : path, constants.W_OK);
  } catch (cause) {
    throw unwritable(name, cause);
  }
}

function present(name: string): MillraceError {
  return new MillraceError('BAD_INPUT', `${name} exists already, and is not overwritten`, {
    retry: 'never',
    hint: 'Edit it, or name another file with -f.',
  });
}

async function write(path: string, name: string, text: string): Promise<void> {
  await requireWritable(path, name);
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw unwritable(name, cause);
  }
}

function unwritable(name: string, cause: unknown): MillraceError {
  return new MillraceError('BAD_INPUT', `cannot write ${name}: ${errorMessage(cause)}`, { cause, retry: 'never' });
}
