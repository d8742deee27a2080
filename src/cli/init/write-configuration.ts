import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { load } from 'js-yaml';
import { z } from 'zod';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { parseConfiguration } from '../../provision/configuration.ts';
import { configurationTemplate } from '../../provision/configuration-template.ts';
import { covering, parseEcrReference } from '../../provision/ecr-references.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { readGitopsTree } from '../provision/gitops-tree.ts';
import { discoverAccount, discoverGitUrl, discoverIssuer } from './discover.ts';

const Options = z.object({
  filename: z.string(),
  name: z.string().optional(),
  account: z.string().optional(),
  region: z.string().optional(),
  cluster: z.string().optional(),
  issuer: z.string().optional(),
  gitUrl: z.string().optional(),
  gitPath: z.string(),
  repository: z.array(z.string()).default([]),
  from: z.string().optional(),
});

/** Writes a configuration that `parseConfiguration` accepts; an existing file is never overwritten. */
export async function writeConfiguration(
  _: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const given = Options.parse(options);
  const ask = questioner(context);
  try {
    const region =
      given.region ??
      context.env['AWS_REGION'] ??
      context.env['AWS_DEFAULT_REGION'] ??
      (await ask('AWS region', '--region'));
    const cluster = given.cluster ?? (await ask('Name of the EKS cluster', '--cluster'));
    const gitUrl =
      given.gitUrl ?? (await discoverGitUrl(context)) ?? (await ask('URL of the git repository', '--git-url'));
    const account = given.account ?? (await discoverAccount(region, context));
    const issuer = given.issuer ?? (await discoverIssuer(options, context));
    const home = { aws: { region, ...(account === undefined ? {} : { account }) } };
    const tree = given.from === undefined ? undefined : await readGitopsTree(given.from, context);
    const named = [...given.repository, ...(tree?.scanned ?? [])];
    const repositories =
      named.length > 0 ? named : [await ask('ECR repository or pattern that is scanned', '--repository or --from')];
    const text = configurationTemplate({
      name: given.name ?? cluster,
      region,
      cluster,
      gitUrl,
      gitPath: given.gitPath,
      repositories: covering(
        repositories.map((each) => parseEcrReference(each, home)),
        home,
      ),
      ...(account === undefined ? {} : { account }),
      ...(issuer?.startsWith('https://') ? { issuer } : {}),
    });
    parseConfiguration(load(text), given.filename);
    await writeNew(resolve(context.cwd, given.filename), given.filename, text);
  } finally {
    ask.close();
  }
  return { text: `Wrote ${given.filename}. Next: millrace iam policy; millrace provision terraform --out terraform` };
}

async function writeNew(path: string, name: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `cannot write ${name}: ${errorMessage(cause)}`, {
      cause,
      hint: 'An existing configuration is not overwritten; -f names another file.',
    });
  }
}

/** Asks on a terminal; elsewhere a missing answer is an error that names the option. */
function questioner({ stdin, stderr, signal }: CliContext) {
  const isTerminal = 'isTTY' in stdin && stdin.isTTY === true;
  const lines = isTerminal ? createInterface({ input: stdin, output: stderr }) : undefined;
  const ask = async (question: string, option: string): Promise<string> => {
    const answer = (await lines?.question(`${question}: `, { signal }))?.trim();
    if (answer) return answer;
    throw new MillraceError('BAD_INPUT', `${question} is not known`, { hint: `Give it with ${option}.` });
  };
  return Object.assign(ask, { close: () => lines?.close() });
}
