import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parseAwsEnvironment } from '../../aws/environment.ts';
import { profileCredentials } from '../../aws/sdk-credentials.ts';
import { callerOf } from '../../aws/sts.ts';
import { withDeadline } from '../../base/deadline.ts';
import { textAt } from '../../base/json.ts';
import { parseArn } from '../../iam/arn.ts';
import type { KubeConfig } from '../../kube/config.ts';
import { loadKubeConfig } from '../../kube/kubeconfig.ts';
import type { CliContext } from '../context.ts';
import { withCluster } from '../kube-options.ts';
import { awsSettings } from '../provision/aws-settings.ts';

/** Something that was found out, and where. */
export interface Finding {
  value: string;
  from: string;
}

/** Every finding is an offer: what cannot be found out is asked for or left open. */
async function orNothing<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch {
    return undefined;
  }
}

const patienceMs = 5000;

/** Account of the AWS credentials; IMDS is never asked. */
export function discoverAccount(region: string, { env, signal }: CliContext): Promise<string | undefined> {
  return orNothing(
    withDeadline(signal, patienceMs, 'asking AWS for the account', async (deadline) => {
      const { staticKeys, profile, endpoints } = parseAwsEnvironment(env);
      const credentials = staticKeys ?? (await profileCredentials(profile ?? 'default', endpoints));
      return parseArn((await callerOf(credentials, { region, endpoints }, deadline)).arn)?.account;
    }),
  );
}

/** What the name of an EKS cluster's context, or its login command, says about the cluster. */
export interface ClusterContext {
  name?: string;
  region?: string;
}

/** Reads the context of the kubeconfig as `aws eks update-kubeconfig` and eksctl write it; asks nobody. */
export async function discoverContext(
  options: Record<string, unknown>,
  { env }: CliContext,
): Promise<ClusterContext | undefined> {
  const { kubeconfig: path, context } = options;
  const config = await orNothing(
    loadKubeConfig({
      env,
      ...(typeof path === 'string' ? { path } : {}),
      ...(typeof context === 'string' ? { context } : {}),
    }),
  );
  return config === undefined ? undefined : clusterOfContext(config);
}

function clusterOfContext({ name, credentials }: KubeConfig): ClusterContext | undefined {
  const arn = parseArn(name);
  if (arn?.service === 'eks') return { name: arn.resource.replace(/^cluster\//, ''), region: arn.region };
  const eksctl = /@(.+)\.([a-z0-9-]+)\.eksctl\.io$/.exec(name);
  if (eksctl !== null) return { name: eksctl[1] ?? '', region: eksctl[2] ?? '' };
  if (credentials.kind !== 'exec') return undefined;
  const after = (flag: string) => {
    const index = credentials.exec.args.indexOf(flag);
    return index < 0 ? undefined : credentials.exec.args[index + 1];
  };
  const [cluster, region] = [after('--cluster-name') ?? after('-i'), after('--region')];
  if (cluster === undefined) return undefined;
  return { name: cluster, ...(region === undefined ? {} : { region }) };
}

/** The one EKS cluster of the region, where there is just one. */
export async function discoverCluster(region: string, context: CliContext): Promise<string | undefined> {
  return withEks(region, context, async (eks, aws, abortSignal) => {
    const { clusters = [] } = await eks.send(new aws.ListClustersCommand({}), { abortSignal });
    return clusters.length === 1 ? clusters[0] : undefined;
  });
}

/** The issuer of a cluster: as EKS says, else what the cluster of the kubeconfig publishes, if that can be reached from outside. */
export async function discoverIssuer(
  { region, cluster }: { region: string; cluster: string },
  options: Record<string, unknown>,
  context: CliContext,
): Promise<Finding | undefined> {
  const described = await withEks(region, context, async (eks, aws, abortSignal) => {
    const answer = await eks.send(new aws.DescribeClusterCommand({ name: cluster }), { abortSignal });
    return answer.cluster?.identity?.oidc?.issuer;
  });
  if (described !== undefined) return { value: described, from: 'EKS' };
  const known = (await discoverContext(options, context))?.name;
  if (known !== undefined && known !== cluster) return undefined;
  const published = await orNothing(
    withDeadline(context.signal, patienceMs, 'asking the cluster for its issuer', (signal) =>
      withCluster(options, context, async ({ client }) =>
        textAt(await client.readPath('/.well-known/openid-configuration', { signal }), 'issuer'),
      ),
    ),
  );
  const isPublic = published?.startsWith('https://') === true && !/^https:\/\/kubernetes\.default\b/.test(published);
  return isPublic ? { value: published, from: 'the cluster' } : undefined;
}

type Eks = import('@aws-sdk/client-eks').EKSClient;
type EksModule = typeof import('@aws-sdk/client-eks');

async function withEks<T>(
  region: string,
  context: CliContext,
  ask: (eks: Eks, aws: EksModule, signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  return orNothing(
    withDeadline(context.signal, patienceMs, 'asking EKS', async (signal) => {
      const aws = await import('@aws-sdk/client-eks');
      const eks = new aws.EKSClient(await awsSettings(region, 'eks', context));
      try {
        return await ask(eks, aws, signal);
      } finally {
        eks.destroy();
      }
    }),
  );
}

/** Names of the account's repositories, no more than a thousand; undefined where they may not be listed. */
export function discoverRepositories(region: string, context: CliContext): Promise<string[] | undefined> {
  return orNothing(
    withDeadline(context.signal, patienceMs, 'asking ECR', async (abortSignal) => {
      const aws = await import('@aws-sdk/client-ecr');
      const ecr = new aws.ECRClient(await awsSettings(region, 'ecr', context));
      try {
        const query = new aws.DescribeRepositoriesCommand({ maxResults: 1000 });
        const { repositories = [] } = await ecr.send(query, { abortSignal });
        return repositories.flatMap(({ repositoryName = [] }) => repositoryName);
      } finally {
        ecr.destroy();
      }
    }),
  );
}

/** The remote `origin` of the current folder as a URL without a password, and the user name in it; `git@host:path` becomes a URL. */
export async function discoverGit({ cwd, env }: CliContext): Promise<{ url: string; username?: string } | undefined> {
  const answer = await orNothing(
    promisify(execFile)('git', ['config', '--get', 'remote.origin.url'], { cwd, env: { ...env }, timeout: patienceMs }),
  );
  const url = answer?.stdout.trim();
  if (!url) return undefined;
  const scp = /^([\w.-]+)@([\w.-]+):(?!\/\/)(.+)$/.exec(url);
  if (scp !== null) return { url: `ssh://${scp[1]}@${scp[2]}/${scp[3]}` };
  if (!/^(https?|ssh):\/\//.test(url)) return undefined;
  const parsed = new URL(url);
  parsed.password = '';
  if (parsed.protocol === 'ssh:') return { url: parsed.href };
  const username = decodeURIComponent(parsed.username);
  parsed.username = '';
  return { url: parsed.href, ...(username === '' ? {} : { username }) };
}
