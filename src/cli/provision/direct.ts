import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ECRClient } from '@aws-sdk/client-ecr';
import { EKSClient } from '@aws-sdk/client-eks';
import { IAMClient } from '@aws-sdk/client-iam';
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { awsError } from '../../aws/aws-error.ts';
import { parseAwsEnvironment } from '../../aws/environment.ts';
import { createEventBridge } from '../../aws/event-bridge.ts';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { textAt } from '../../base/json.ts';
import { formatRef } from '../../base/kube-object.ts';
import { issuerKey } from '../../iam/trust.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Configuration } from '../../provision/configuration.ts';
import { planDestroy } from '../../provision/destroy.ts';
import type { Installation } from '../../provision/installation.ts';
import { installationOf } from '../../provision/installation-of.ts';
import { requireSound } from '../../provision/lint.ts';
import type { Step } from '../../provision/plan.ts';
import {
  applyProvisioning,
  isAwsFault,
  type ProvisionTargets,
  planProvisioning,
  waitingObjects,
} from '../../provision/provision.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { discoverAccount } from '../init/discover.ts';
import { withCluster } from '../kube-options.ts';
import { awsSettings } from './aws-settings.ts';
import { readGitopsTree } from './gitops-tree.ts';
import { withNextSteps } from './next-steps.ts';
import { readConfiguration } from './read-configuration.ts';

const Options = z.object({
  filename: z.string(),
  from: z.string().optional(),
  dryRun: z.boolean().default(false),
  allowWidening: z.boolean().default(false),
  credentialFile: z.string().optional(),
});

/** Plans, shows the plan, and carries it out unless this is a dry run. */
export async function apply(
  _: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { dryRun, allowWidening, credentialFile } = Options.parse(options);
  return withTargets(options, context, async (configuration, targets, describe) => {
    const credential = await gitCredential(configuration, credentialFile, targets.kube, context);
    const installation = await describe(credential);
    const waiting = await waitingObjects(installation, targets.kube, context.signal);
    const notes: string[] = [];
    const steps = await planProvisioning(installation, targets, context.signal, (text) => notes.push(text));
    if (!dryRun) await applyProvisioning(steps, tellAbout(context), { allowWidening });
    const result = resultOf(steps, { dryRun, notes: [...notes, ...foreignOwners(installation)] });
    return withNextSteps(result, waiting.map(formatRef), steps, { configuration, installation });
  });
}

export async function destroy(
  _: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { dryRun } = Options.parse(options);
  return withTargets(options, context, async (_configuration, targets, describe) => {
    const { steps, kept } = await planDestroy(await describe(''), targets, context.signal);
    if (!dryRun) await applyProvisioning(steps, tellAbout(context));
    return resultOf(steps, { dryRun, kept });
  });
}

/** Registries of others: reading them takes their owner's policy too (spec/provisioning.md §2.2). */
function foreignOwners({ foreign = [], pull, aws }: Installation): string[] {
  const accounts = [...foreign, ...(pull?.foreign ?? [])].map(({ account }) => account);
  return [...new Set(accounts)]
    .filter((account) => account !== aws.account)
    .map(
      (account) =>
        `account ${account} has to allow it too: \`millrace provision terraform\` writes its repository policy to owners/${account}.json`,
    );
}

type Describe = (credential: string) => Promise<Installation>;
type Work = (configuration: Configuration, targets: ProvisionTargets, describe: Describe) => Promise<CommandResult>;

async function withTargets(options: Record<string, unknown>, context: CliContext, work: Work): Promise<CommandResult> {
  const { filename, from } = Options.parse(options);
  const configuration = await readConfiguration(filename, context);
  const tree = from === undefined ? undefined : await readGitopsTree(from, context);
  requireSound(configuration, tree);
  const { region } = configuration.aws;
  const iam = new IAMClient(await awsSettings(region, 'iam', context));
  const ecr = new ECRClient(await awsSettings(region, 'ecr', context));
  const sqs = new SQSClient(await awsSettings(region, 'sqs', context));
  const eks = new EKSClient(await awsSettings(region, 'eks', context));
  const events = createEventBridge({
    ...(await awsSettings(region, 'events', context)),
    proxy: parseAwsEnvironment(context.env).endpoints.proxy,
  });
  try {
    return await withCluster(options, context, async ({ client: kube }) => {
      const describe = async (credential: string) => {
        const discovery = await kube.readPath('/.well-known/openid-configuration', context).catch(() => undefined);
        const account = await accountOf(configuration, context);
        const issuer = textAt(discovery, 'issuer');
        const installation = installationOf(configuration, {
          credential,
          ...(account === undefined ? {} : { account }),
          ...(issuer === undefined ? {} : { issuer }),
          ...(tree === undefined ? {} : { tree }),
        });
        if (issuer !== undefined) requireSameCluster(installation, issuer);
        return installation;
      };
      return work(configuration, { iam, ecr, sqs, eks, events, kube }, describe);
    });
  } catch (error) {
    throw isAwsFault(error) ? awsError(error, 'provisioning', 'the AWS credentials of the environment') : error;
  } finally {
    for (const client of [iam, ecr, sqs, eks]) client.destroy();
  }
}

/** Throws PROVISION_CONFLICT where the kubeconfig leads to another cluster: what is made in it would not fit the trust policy. */
function requireSameCluster({ issuer }: Installation, published: string): void {
  if (issuerKey(issuer) === issuerKey(published)) return;
  throw new MillraceError(
    'PROVISION_CONFLICT',
    `the configuration is for the cluster with the issuer ${issuer}, and the kubeconfig leads to one with ${published}`,
    { retry: 'never', hint: 'Choose the context of the cluster that is meant with --context.' },
  );
}

/** The account to work in. Throws PROVISION_CONFLICT where the credentials are of another: everything would be made there. */
async function accountOf({ aws }: Configuration, context: CliContext): Promise<string | undefined> {
  const actual = await discoverAccount(aws.region, context);
  if (aws.account === undefined || actual === undefined || actual === aws.account) return aws.account ?? actual;
  throw new MillraceError(
    'PROVISION_CONFLICT',
    `aws.account is ${aws.account}, and the AWS credentials are of ${actual}`,
    {
      retry: 'never',
      hint: 'Choose the profile or keys of the account that is meant: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    },
  );
}

/** From the file, the environment, or the Secret as it is. */
async function gitCredential(
  { cluster, git }: Configuration,
  file: string | undefined,
  kube: KubeClient,
  { cwd, env, signal }: CliContext,
): Promise<string> {
  if (file !== undefined) {
    try {
      return (await readFile(resolve(cwd, file), 'utf8')).trimEnd() + (git.credential.kind === 'ssh' ? '\n' : '');
    } catch (cause) {
      throw new MillraceError('BAD_INPUT', `cannot read ${file}: ${errorMessage(cause)}`, { cause });
    }
  }
  const given = env['MILLRACE_GIT_CREDENTIAL'];
  if (given) return given;
  const ref = { apiVersion: 'v1', kind: 'Secret', namespace: cluster.namespace, name: git.credential.secret };
  const key = { basic: 'password', bearer: 'bearerToken', ssh: 'identity' }[git.credential.kind];
  const present = textAt(await kube.get(ref, { signal }), 'data', key);
  if (present !== undefined) return Buffer.from(present, 'base64').toString();
  throw new MillraceError('BAD_INPUT', `the git credential for ${git.url} is not known`, {
    hint: 'Set MILLRACE_GIT_CREDENTIAL, or name a file with --credential-file.',
  });
}

function tellAbout({ stderr }: CliContext) {
  return ({ action, what }: Step) => void stderr.write(`${action} ${what}\n`);
}

interface Outcome {
  dryRun: boolean;
  /** What `destroy` leaves, and why. */
  kept?: readonly string[];
  /** What `apply` found besides. */
  notes?: readonly string[];
}

function resultOf(steps: readonly Step[], { dryRun, kept = [], notes = [] }: Outcome): CommandResult {
  const lines = steps.flatMap(({ action, what, details = [], widens = [] }) => [
    `${action} ${what}`,
    ...details.map((detail) => `  ${detail}`),
    ...widens.map((grant) => `  widens: would also allow ${grant}`),
  ]);
  const summary = steps.length === 0 ? 'nothing to do' : `${steps.length} ${dryRun ? 'steps to do' : 'steps done'}`;
  return {
    data: {
      dryRun,
      kept,
      notes,
      steps: steps.map(({ action, what, details = [], widens = [] }) => ({ action, what, details, widens })),
    },
    text: [
      ...(dryRun ? lines : []),
      ...kept.map((each) => `kept ${each}`),
      ...notes.map((each) => `note ${each}`),
      summary,
    ].join('\n'),
  };
}
