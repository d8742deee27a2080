import { z } from 'zod';
import { awsModelOf } from '../../provision/aws-model.ts';
import { installationOf } from '../../provision/installation-of.ts';
import { requireSound } from '../../provision/lint.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { readGitopsTree } from '../provision/gitops-tree.ts';
import { readConfiguration } from '../provision/read-configuration.ts';

const Options = z.object({
  filename: z.string(),
  from: z.string().optional(),
  account: z.string().optional(),
  issuer: z.string().optional(),
});

/** Configuration, GitOps tree and what options add to them. */
export async function readInstallation(options: Record<string, unknown>, context: CliContext, needsIssuer: boolean) {
  const { filename, from, account, issuer } = Options.parse(options);
  const configuration = await readConfiguration(filename, context);
  const tree = from === undefined ? undefined : await readGitopsTree(from, context);
  requireSound(configuration, tree);
  const installation = installationOf(configuration, {
    ...(account === undefined ? {} : { account }),
    // The policy says nothing about the issuer, so it can be printed before there is a cluster.
    ...(issuer === undefined && needsIssuer ? {} : { issuer: issuer ?? 'https://issuer.invalid' }),
    ...(tree === undefined ? {} : { tree }),
  });
  return { configuration, tree, installation };
}

export async function printPolicy(
  _: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { installation } = await readInstallation(options, context, false);
  return { text: JSON.stringify(awsModelOf(installation).policy.document, null, 2) };
}

export async function printTrust(
  _: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { installation } = await readInstallation(options, context, true);
  return { text: JSON.stringify(awsModelOf(installation).role.trust, null, 2) };
}
