import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parseAwsEnvironment } from '../../aws/environment.ts';
import { profileCredentials } from '../../aws/sdk-credentials.ts';
import { callerOf } from '../../aws/sts.ts';
import { withDeadline } from '../../base/deadline.ts';
import { textAt } from '../../base/json.ts';
import { parseArn } from '../../iam/arn.ts';
import type { CliContext } from '../context.ts';
import { withCluster } from '../kube-options.ts';

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
      const credentials = staticKeys ?? (await profileCredentials(profile ?? 'default'));
      return parseArn((await callerOf(credentials, { region, endpoints }, deadline)).arn)?.account;
    }),
  );
}

/** The issuer that the cluster of the kubeconfig publishes. */
export function discoverIssuer(options: Record<string, unknown>, context: CliContext): Promise<string | undefined> {
  return orNothing(
    withDeadline(context.signal, patienceMs, 'asking the cluster for its issuer', (signal) =>
      withCluster(options, context, async ({ client }) =>
        textAt(await client.readPath('/.well-known/openid-configuration', { signal }), 'issuer'),
      ),
    ),
  );
}

/** The remote `origin` of the current folder, as a URL; `git@host:path` becomes one. */
export async function discoverGitUrl({ cwd, env }: CliContext): Promise<string | undefined> {
  const answer = await orNothing(
    promisify(execFile)('git', ['config', '--get', 'remote.origin.url'], { cwd, env: { ...env }, timeout: patienceMs }),
  );
  const url = answer?.stdout.trim();
  if (!url) return undefined;
  const scp = /^([\w.-]+)@([\w.-]+):(?!\/\/)(.+)$/.exec(url);
  if (scp !== null) return `ssh://${scp[1]}@${scp[2]}/${scp[3]}`;
  if (!/^(https?|ssh):\/\//.test(url)) return undefined;
  const parsed = new URL(url);
  if (parsed.protocol !== 'ssh:') parsed.username = '';
  parsed.password = '';
  return parsed.href;
}
