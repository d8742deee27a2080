import { join } from 'node:path';
import { withDeadline } from '../../base/deadline.ts';
import { isMillraceError, MillraceError } from '../../base/error.ts';
import { createLogger } from '../../base/logger.ts';
import type { Hop } from '../../diagnose/delivery/hops.ts';
import { DeliveryTracker } from '../../diagnose/delivery/tracker.ts';
import { createGit, type Git, mustRun } from '../../git/program.ts';
import { createKubeClient } from '../../kube/api-client.ts';
import type { KubeClient } from '../../kube/client.ts';
import { loadKubeConfig } from '../../kube/kubeconfig.ts';
import { controllersName } from '../../provision/cluster-model.ts';
import type { Installation } from '../../provision/installation.ts';
import { type PartName, type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { writePrivateFile } from '../../sandbox/sandbox-access.ts';
import type { CliContext } from '../context.ts';
import { type ControllersProcess, startControllers } from './controllers.ts';
import { fleetFiles, fleetNames } from './fleet.ts';
import { ImageStore } from './images.ts';
import { provisionSandbox } from './provision-sandbox.ts';
import { seedRepository } from './seed.ts';
import { watchDelivery } from './watch-delivery.ts';

export interface DemoOptions {
  /** Absolute. */
  dataDir: string;
  ports: Partial<Record<PartName, number>>;
  /** How long the delivery may take, in milliseconds. */
  timeoutMs: number;
}

/** What is delivered where. */
export const demoNames = {
  namespace: 'flux-system',
  branch: 'main',
  repository: 'zenler/mainapp',
  gitSecret: 'fleet-git',
} as const;
const { namespace, branch, repository, gitSecret } = demoNames;
const [firstTag, nextTag] = ['1.0.0', '1.0.1'] as const;

/** A sandbox that is up, provisioned and run by controllers of their own process. */
export interface Demo {
  sandbox: Sandbox;
  controllers: ControllersProcess;
  /** Delivers a newer image than the one that runs, or what was under way; returns the hops. */
  deliver(onLine: (line: string) => void): Promise<{ tag: string; hops: Hop[] }>;
  /** Pushes a tag and follows it until it runs. */
  push(tag: string, onHop: (hop: Hop) => void): Promise<Hop[]>;
  fleetUrl: string;
  close(): Promise<void>;
}

/** Starts the sandbox, provisions it with the product's own code, seeds the fleet repository and starts the controllers. */
export async function startDemo(
  options: DemoOptions,
  context: CliContext,
  onLine: (line: string) => void,
): Promise<Demo> {
  const { dataDir, ports } = options;
  const { signal, env } = context;
  const searchPath = env['PATH'];
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const logger = createLogger('error', context.stderr);
    const sandbox = await startSandbox({ dataDir, ports, logger, ...(searchPath === undefined ? {} : { searchPath }) });
    closers.push(() => sandbox.close());
    const { access } = sandbox;
    onLine(`kubernetes   ${access.kubernetes.url}`);
    onLine(`aws          ${access.aws.url}   account ${access.aws.account.id}, ${access.aws.account.region}`);
    onLine(`registry     ${access.registry.url}   as ${access.registry.host}`);
    const fleetUrl = await sandbox.git.createRepository('fleet', { defaultBranch: branch });
    onLine(`git          ${fleetUrl}`);

    const config = await loadKubeConfig({ env: {}, path: access.kubernetes.kubeconfig });
    const kube = createKubeClient(config);
    closers.push(() => kube.close());
    const git = createGit(searchPath === undefined ? {} : { searchPath });
    const image = `${access.registry.host}/${repository}`;
    const auth = { kind: 'basic' as const, username: access.git.username, password: access.git.password };
    const files = fleetFiles({ gitUrl: fleetUrl, branch, gitSecret, namespace, image, tag: firstTag });
    await seedRepository(git, { url: fleetUrl, auth }, { branch, files }, signal);

    const queueUrl = sandbox.aws.ensureEcrEventsQueue('millrace-ecr-events');
    const steps = await provisionSandbox(installationOf(sandbox, fleetUrl), access, kube, signal);
    onLine(steps === 0 ? 'provisioned  as before' : `provisioned  ${steps} objects in IAM, ECR and the cluster`);

    const images = new ImageStore(access, repository);
    closers.push(() => images.close());
    if (!(await images.tags(signal)).includes(firstTag)) await images.push(firstTag, signal);
    const controllers = await runControllers(sandbox, kube, { queueUrl, dataDir }, context);
    closers.push(() => controllers.close());
    const parts = { sandbox, kube, git, images, controllers, timeoutMs: options.timeoutMs };
    return {
      sandbox,
      controllers,
      fleetUrl,
      deliver: (onHop) => deliver(parts, context, onHop),
      push: (tag, onHop) => pushAndFollow(parts, tag, signal, onHop),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the sandbox is provisioned with. */
export function installationOf({ access }: Sandbox, fleetUrl: string): Installation {
  const { partition, id, region } = access.aws.account;
  return {
    namePrefix: 'millrace-sandbox',
    aws: { partition, account: id, region },
    issuer: access.kubernetes.issuer,
    namespace,
    repositories: [repository],
    createRepositories: [repository],
    ecrProfile: 'scan+meta',
    eventsQueueArn: `arn:${partition}:sqs:${region}:${id}:millrace-ecr-events`,
    git: {
      url: fleetUrl,
      branch,
      path: './clusters/sandbox',
      secretName: gitSecret,
      username: access.git.username,
      password: access.git.password,
    },
  };
}

/** The controllers as the ServiceAccount of their installation, with nothing of the user's own environment. */
export async function runControllers(
  { access, kubernetes }: Sandbox,
  kube: KubeClient,
  { queueUrl, dataDir }: { queueUrl: string; dataDir: string },
  { env, program }: Pick<CliContext, 'env' | 'program'>,
): Promise<ControllersProcess> {
  if (program === undefined) throw new Error('the program does not know how it was started');
  const kubeconfig = join(dataDir, 'controllers.kubeconfig');
  const account = { namespace, name: controllersName };
  const month = 30 * 24 * 3600;
  const signal = AbortSignal.timeout(30_000);
  const { token } = await kube.requestToken(
    account,
    { audiences: [access.kubernetes.issuer], expirationSeconds: month },
    { signal },
  );
  await writePrivateFile(kubeconfig, kubeconfigOf(kubernetes.url, kubernetes.caPem, token));
  return startControllers({
    program,
    args: [
      '--kubeconfig',
      kubeconfig,
      '--namespace',
      namespace,
      '--storage-path',
      join(dataDir, 'controllers'),
      '--registry-endpoint',
      `${access.registry.host}=${access.registry.url}`,
      '--ecr-events-queue',
      queueUrl,
    ],
    env: {
      PATH: env['PATH'],
      HOME: env['HOME'],
      AWS_REGION: access.aws.account.region,
      AWS_ENDPOINT_URL_STS: access.aws.url,
      AWS_ENDPOINT_URL_ECR: access.aws.url,
      AWS_ENDPOINT_URL_SQS: access.aws.url,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    logFile: join(dataDir, 'controllers.log'),
  });
}

function kubeconfigOf(server: string, caPem: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'controllers',
    clusters: [
      { name: 'sandbox', cluster: { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') } },
    ],
    contexts: [{ name: 'controllers', context: { cluster: 'sandbox', user: 'millrace', namespace } }],
    users: [{ name: 'millrace', user: { token } }],
  });
}

interface Parts {
  sandbox: Sandbox;
  kube: KubeClient;
  git: Git;
  images: ImageStore;
  controllers: ControllersProcess;
  timeoutMs: number;
}

async function deliver(
  parts: Parts,
  { signal }: CliContext,
  onLine: (line: string) => void,
): Promise<{ tag: string; hops: Hop[] }> {
  const { images } = parts;
  const tags = await images.tags(signal);
  const newest =
    tags
      .filter((tag) => /^\d+\.\d+\.\d+$/.test(tag))
      .sort(byVersion)
      .at(-1) ?? firstTag;
  if (newest === firstTag) {
    const startedMs = Date.now();
    await follow(parts, firstTag, signal, () => {});
    onLine(`running      ${repository}:${firstTag} (${seconds(Date.now() - startedMs)})`);
    onLine('');
    onLine(`delivering   ${repository}:${nextTag}`);
    const pushedMs = Date.now();
    return {
      tag: nextTag,
      hops: await pushAndFollow(parts, nextTag, signal, (hop) => onLine(formatHop(hop, pushedMs))),
    };
  }
  onLine(`resuming     ${repository}:${newest}`);
  const startedMs = Date.now();
  return { tag: newest, hops: await follow(parts, newest, signal, (hop) => onLine(formatHop(hop, startedMs))) };
}

async function pushAndFollow(
  parts: Parts,
  tag: string,
  signal: AbortSignal,
  onHop: (hop: Hop) => void,
): Promise<Hop[]> {
  const tracker = newTracker(tag);
  const pushedMs = Date.now();
  const digest = await parts.images.push(tag, signal);
  tracker.pushed(pushedMs, `${repository}:${tag} ${digest.slice(0, 19)}`);
  return follow(parts, tag, signal, onHop, tracker);
}

function byVersion(a: string, b: string): number {
  const [x, y] = [a.split('.').map(Number), b.split('.').map(Number)];
  return (x[0] ?? 0) - (y[0] ?? 0) || (x[1] ?? 0) - (y[1] ?? 0) || (x[2] ?? 0) - (y[2] ?? 0);
}

function newTracker(tag: string): DeliveryTracker {
  const key = (name: string, inNamespace: string = namespace) => ({ namespace: inNamespace, name });
  return new DeliveryTracker({
    tag,
    imageRepository: key(fleetNames.app),
    imagePolicy: key(fleetNames.app),
    imageUpdateAutomation: key(fleetNames.automation),
    gitRepository: key(namespace),
    kustomization: key(fleetNames.appsKustomization),
    deployment: key(fleetNames.app, fleetNames.appNamespace),
  });
}

/** Follows a tag until it runs; throws DELIVERY_STOPPED with the hop that was not done, and why. */
async function follow(
  { kube, git, sandbox, controllers, timeoutMs }: Parts,
  tag: string,
  signal: AbortSignal,
  onHop: (hop: Hop) => void,
  tracker: DeliveryTracker = newTracker(tag),
): Promise<Hop[]> {
  const describe = async (hop: Hop) => {
    if (hop.name === 'committed' && tracker.commit !== undefined) {
      hop.detail = `${tracker.commit.slice(0, 7)} ${await oneLineDiff(git, sandbox.git.repositoryPath('fleet') ?? '', tracker.commit, signal)}`;
    }
    onHop(hop);
  };
  try {
    await withDeadline(signal, timeoutMs, `delivery of ${tag}`, async (inner) => {
      await Promise.race([
        watchDelivery({ client: kube, tracker, onHop: describe, signal: inner }),
        controllers.failed,
      ]);
    });
  } catch (cause) {
    if (!isMillraceError(cause, 'DEADLINE_EXCEEDED')) throw cause;
    const { hop, why } = tracker.waiting ?? { hop: 'running', why: '' };
    throw new MillraceError(
      'DELIVERY_STOPPED',
      `${repository}:${tag} was not ${hop} within ${seconds(timeoutMs)}: ${why}`,
      {
        cause,
        hint: 'The log of the controllers is controllers.log in the data folder.',
        retry: 'never',
      },
    );
  }
  return tracker.hops;
}

/** The changed line of a commit: `- old + new`. */
async function oneLineDiff(git: Git, gitDir: string, commit: string, signal: AbortSignal): Promise<string> {
  const output = await mustRun(git, ['show', '--format=', '--unified=0', '--no-color', commit], { gitDir, signal });
  const lines = output.toString('utf8').split('\n');
  const [removed, added] = ['-', '+'].map((mark) =>
    lines.find((line) => line.startsWith(mark) && !line.startsWith(mark.repeat(3))),
  );
  const tidy = (line: string | undefined) => line?.replace(/^[-+]\s*/, '').replace(/\s*#.*$/, '') ?? '';
  return `${tidy(removed)} → ${tidy(added)}`;
}

function formatHop({ name, atMs, detail }: Hop, sinceMs: number): string {
  return `  ${name.padEnd(10)} +${seconds(Math.max(0, atMs - sinceMs))}  ${detail}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
