import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { MillraceError } from '../../base/error.ts';
import { createLogger } from '../../base/logger.ts';
import { registryHost } from '../../sandbox/aws/account.ts';
import { startAws } from '../../sandbox/aws/start-aws.ts';
import { startGit } from '../../sandbox/git/start-git.ts';
import { startKubernetes } from '../../sandbox/kubernetes/kubernetes.ts';
import { RepositoryStore } from '../../sandbox/registry/repository-store.ts';
import { startPlainRegistry, startRegistry } from '../../sandbox/registry/start-registry.ts';
import type { PartName } from '../../sandbox/sandbox.ts';
import { writePrivateFile } from '../../sandbox/sandbox-access.ts';
import type { CliContext } from '../context.ts';
import { openDataFolder } from './data-folder.ts';
import { untilAborted } from './until-aborted.ts';

export interface OnlyOptions {
  /** Data folder, absolute. */
  dataDir: string;
  port?: number | undefined;
  /** The part's secret: bearer token, `KEYID:SECRET`, or password. */
  token?: string | undefined;
}

/** A part that runs, and the lines that say how to reach it. */
interface RunningPart {
  lines: string[];
  close(): Promise<void>;
}

const starters: Record<PartName, (options: OnlyOptions, context: CliContext) => Promise<RunningPart>> = {
  kubernetes: onlyKubernetes,
  aws: onlyAws,
  registry: onlyRegistry,
  git: onlyGit,
};

export const partNames = Object.keys(starters) as PartName[];

/** Starts one part of the sandbox, prints how to reach it, and returns when the command is interrupted. */
export async function runOnly(part: PartName, options: OnlyOptions, context: CliContext): Promise<void> {
  const folder = await openDataFolder(options.dataDir);
  try {
    const running = await starters[part](options, context);
    try {
      context.stdout.write(`${running.lines.join('\n')}\n`);
      await untilAborted(context.signal);
    } finally {
      await running.close();
    }
  } finally {
    await folder.release();
  }
}

async function onlyKubernetes({ dataDir, port, token }: OnlyOptions): Promise<RunningPart> {
  const kubernetes = await startKubernetes({
    dataDir: join(dataDir, 'kubernetes'),
    ...(port === undefined ? {} : { port }),
    ...(token === undefined ? {} : { token }),
  });
  const kubeconfig = join(dataDir, 'kubeconfig');
  await writePrivateFile(kubeconfig, kubernetes.kubeconfig());
  return {
    lines: [
      `Kubernetes API: ${kubernetes.url}`,
      `kubeconfig:     ${kubeconfig}`,
      '',
      `kubectl --kubeconfig ${kubeconfig} get namespaces`,
    ],
    close: () => kubernetes.close(),
  };
}

/** STS, IAM, ECR, SQS and EventBridge on one port, and ECR's registry beside it. */
async function onlyAws({ dataDir, port, token }: OnlyOptions, context: CliContext): Promise<RunningPart> {
  const account = { partition: 'aws', id: '000000000000', region: 'eu-west-1' };
  const logger = createLogger('warn', context.stderr);
  const repositories = new RepositoryStore(join(dataDir, 'registry'), systemClock);
  const administrator = token === undefined ? undefined : parseKeyPair(token);
  const aws = await startAws({ dataDir: join(dataDir, 'aws'), account, repositories, port, administrator, logger });
  const registry = await startRegistry({ repositories, access: aws.registryAccess, registryId: account.id, logger });
  return {
    lines: [
      `AWS API:   ${aws.url} (STS, IAM, ECR, SQS, EventBridge)`,
      `registry:  ${registry.url} for ${registryHost(account)}`,
      '',
      `export AWS_ENDPOINT_URL=${aws.url} AWS_REGION=${account.region}`,
      `export AWS_ACCESS_KEY_ID=${aws.administrator.accessKeyId} AWS_SECRET_ACCESS_KEY=${aws.administrator.secretAccessKey}`,
      'aws ecr create-repository --repository-name apps/demo',
      `aws ecr get-login-password | docker login --username AWS --password-stdin ${new URL(registry.url).host}`,
    ],
    async close() {
      await registry.close();
      await aws.close();
      repositories.close();
    },
  };
}

function parseKeyPair(token: string) {
  const [accessKeyId = '', secretAccessKey = ''] = token.split(':');
  if (!/^AKIA[A-Z0-9]{12,}$/.test(accessKeyId) || secretAccessKey.length < 8) {
    throw new MillraceError('BAD_INPUT', '--token is not an access key pair of the form AKIA…:SECRET', {
      retry: 'never',
      hint: 'An access key id is AKIA and at least 12 capital letters or digits; the secret has at least 8 characters.',
    });
  }
  return { accessKeyId, secretAccessKey };
}

/** A plain OCI registry in which every push makes its repository. */
async function onlyRegistry({ dataDir, port, token }: OnlyOptions, context: CliContext): Promise<RunningPart> {
  const logger = createLogger('warn', context.stderr);
  const registry = await startPlainRegistry({ dataDir: join(dataDir, 'registry'), port, token, logger });
  const { host } = new URL(registry.url);
  const credentials = token === undefined ? '' : ' --dest-creds AWS:TOKEN';
  return {
    lines: [
      `registry:  ${registry.url}`,
      `login:     ${token === undefined ? 'none needed' : 'user AWS, password as given by --token'}`,
      '',
      `skopeo copy --dest-tls-verify=false${credentials} docker://alpine docker://${host}/demo/alpine:latest`,
    ],
    close: () => registry.close(),
  };
}

/** A git server for one user, in which a push to a new name makes the repository. */
async function onlyGit({ dataDir, port, token }: OnlyOptions, context: CliContext): Promise<RunningPart> {
  const password = token ?? randomBytes(12).toString('base64url');
  const git = await startGit({
    dataDir: join(dataDir, 'git'),
    port,
    searchPath: context.env['PATH'],
    createOnPush: true,
    users: [{ name: 'git', password, access: 'write' }],
    logger: createLogger('warn', context.stderr),
  });
  return {
    lines: [
      `git server: ${git.url}`,
      `login:      user git, password ${token === undefined ? password : 'as given by --token'}`,
      '',
      `git push ${git.url.replace('//', '//git@')}/NAME.git HEAD:main   (a new name makes the repository)`,
    ],
    close: () => git.close(),
  };
}
