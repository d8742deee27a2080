import { createLogger } from '../../base/logger.ts';
import type { Hop } from '../../diagnose/delivery/hops.ts';
import { createGit } from '../../git/program.ts';
import { createKubeClient } from '../../kube/api-client.ts';
import type { KubeClient } from '../../kube/client.ts';
import { loadKubeConfig } from '../../kube/kubeconfig.ts';
import { awsModelOf } from '../../provision/aws-model.ts';
import type { Installation, Topology } from '../../provision/installation.ts';
import { type PartName, type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import type { CliContext } from '../context.ts';
import type { ControllersProcess } from './controllers.ts';
import { demoNames } from './demo-names.ts';
import type { PracticeFault } from './faults/fault.ts';
import { injectFault } from './faults/inject.ts';
import { fleetFiles } from './fleet.ts';
import { deliverNext, pushAndFollow } from './follow-delivery.ts';
import { ImageStore } from './images.ts';
import { provisionSandbox } from './provision-sandbox.ts';
import { runControllers } from './run-controllers.ts';
import { seedRepository } from './seed.ts';
import { removeSplit, runSplit } from './split/run-split.ts';

const { namespace, branch, fleet, repository, gitSecret, firstTag } = demoNames;

export interface DemoOptions {
  /** Absolute. */
  dataDir: string;
  ports: Partial<Record<PartName, number>>;
  /** How long the delivery may take, in milliseconds. */
  timeoutMs: number;
  /** One process of all controllers (the default), or a pod and a process for each. */
  topology?: Topology;
  /** Something to break between provisioning and the start of the controllers. */
  fault?: PracticeFault | undefined;
}

/** A sandbox that is up, provisioned and run by controllers of their own process. */
export interface Demo {
  sandbox: Sandbox;
  kube: KubeClient;
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
  const { dataDir, ports, fault, timeoutMs } = options;
  const topology = fault?.topology ?? options.topology ?? 'single';
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
    const fleetUrl = await sandbox.git.createRepository(fleet, { defaultBranch: branch });
    onLine(`git          ${fleetUrl}`);

    const config = await loadKubeConfig({ env: {}, path: access.kubernetes.kubeconfig });
    const kube = createKubeClient(config);
    closers.push(() => kube.close());
    const git = createGit(searchPath === undefined ? {} : { searchPath });
    const image = `${access.registry.host}/${repository}`;
    const auth = { kind: 'basic' as const, username: access.git.username, password: access.git.password };
    const healthy = fleetFiles({ gitUrl: fleetUrl, branch, gitSecret, namespace, image, tag: firstTag });
    const files = fault?.files?.(healthy) ?? healthy;
    await seedRepository(git, { url: fleetUrl, auth }, { branch, files }, signal);

    const queueUrl = sandbox.aws.ensureEcrEventsQueue('millrace-ecr-events');
    const installation = installationOf(sandbox, fleetUrl, topology);
    const steps = await provisionSandbox(installation, access, kube, signal);
    onLine(steps === 0 ? 'provisioned  as before' : `provisioned  ${steps} objects in IAM, ECR and the cluster`);

    const images = new ImageStore(access, repository);
    closers.push(() => images.close());
    if (!(await images.tags(signal)).includes(firstTag)) await images.push(firstTag, signal);
    const site = { sandbox, kube, images, installation, dataDir, signal };
    const variables = fault === undefined ? {} : await injectFault(fault, site);
    const run = {
      dataDir,
      namespace,
      queueUrl,
      ...fault?.controllers,
      env: { ...fault?.controllers?.env, ...variables },
    };
    const start = topology === 'split' ? runSplit : runControllers;
    // What an earlier start with another topology has left would go on beside us.
    if (topology === 'single') await removeSplit(kube, namespace, signal);
    const controllers = await start(sandbox, kube, run, context);
    closers.push(() => controllers.close());
    await fault?.afterStart?.({ kube, model: awsModelOf(installation), signal });
    const parts = { sandbox, kube, git, images, controllers, timeoutMs };
    return {
      sandbox,
      kube,
      controllers,
      fleetUrl,
      deliver: (onHop) => deliverNext(parts, signal, onHop),
      push: (tag, onHop) => pushAndFollow(parts, tag, signal, onHop),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the sandbox is provisioned with. */
function installationOf({ access }: Sandbox, fleetUrl: string, topology: Topology): Installation {
  const { partition, id, region } = access.aws.account;
  return {
    namePrefix: 'millrace-sandbox',
    aws: { partition, account: id, region },
    issuer: access.kubernetes.issuer,
    namespace,
    topology,
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
