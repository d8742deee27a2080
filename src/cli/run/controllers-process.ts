import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { sleep } from '../../base/deadline.ts';
import { isMillraceError } from '../../base/error.ts';
import type { Logger } from '../../base/logger.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeConfig } from '../../kube/config.ts';
import { refuseLiveCounterparts } from '../../runtime/counterpart.ts';
import { leaseLost, runWhileLeading } from '../../runtime/leader-election.ts';
import { createManager, type Manager } from '../../runtime/manager.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { type ProcessServer, parseListenAddress, startProcessServer } from '../../runtime/process-server.ts';
import { type assembleControllers, controllerNames } from './controllers.ts';
import { createDeliveryEvents } from './delivery-events.ts';
import { createDeliveryMetrics } from './delivery-metrics.ts';
import { createEventRecorders } from './notifications.ts';
import type { RunOptions } from './options.ts';

export interface ControllersProcess {
  client: KubeClient;
  config: KubeConfig;
  options: RunOptions;
  namespace: string;
  env: Readonly<Record<string, string | undefined>>;
  logger: Logger;
  metrics: Metrics;
  assemble: typeof assembleControllers;
}

/**
 * Runs the controllers until the signal aborts: checks that Flux does not run them, waits to lead where asked to, then
 * reconciles. Ends in order: runs under way finish, events are written, the Lease is given back.
 */
export async function runControllers(process: ControllersProcess, signal: AbortSignal): Promise<void> {
  const { client, options, namespace, logger, metrics } = process;
  if (!options.takeOver) {
    await refuseLiveCounterparts({ client, controllers: options.controllers, logger, signal });
  }
  const state: { manager: Manager | undefined } = { manager: undefined };
  // Who waits to lead is ready to; who ends is not.
  const isReady = () => !signal.aborted && (state.manager?.isSynced() ?? options.leaderElection);
  const servers = await startServers(options, metrics, isReady);
  try {
    const lead = (term: AbortSignal) => runManager(process, servers, state, term);
    if (!options.leaderElection) return await lead(signal);
    const name = leaseName(options);
    const identity = `${hostname()}_${randomUUID()}`;
    const onLeading = (isLeader: boolean) => metrics.leading(name, isLeader);
    const end = await runWhileLeading({ client, namespace, name, identity, logger, onLeading }, signal, lead);
    if (end === 'lost') throw leaseLost({ namespace, name });
  } finally {
    await Promise.all(servers.map(({ server }) => server.close()));
  }
}

/** Shards stand for election among themselves (spec/source.md §2.5), and so does a process of only some controllers. */
function leaseName({ watchLabelSelector, controllers }: RunOptions): string {
  const isWhole = controllerNames.every((name) => controllers.includes(name));
  const parts = [
    'millrace',
    ...(isWhole ? [] : controllers),
    ...(watchLabelSelector === undefined ? [] : [watchLabelSelector]),
  ];
  const name = parts
    .join('-')
    .replace(/[^a-z0-9]+/gi, '-')
    .toLowerCase();
  return `${name.slice(0, 230).replace(/-+$/, '')}-leader-election`;
}

async function runManager(
  { client, config, options, namespace, env, logger, metrics, assemble }: ControllersProcess,
  servers: NamedServer[],
  state: { manager: Manager | undefined },
  signal: AbortSignal,
): Promise<void> {
  const scope = options.watchAllNamespaces ? {} : { namespace };
  const recorders = createEventRecorders({ client, options, env, logger, metrics, ...scope });
  const deliveries = createDeliveryMetrics({ controllers: options.controllers, client, metrics, logger, ...scope });
  const events = recorders.of('image-automation-controller');
  const reports = createDeliveryEvents({ controllers: options.controllers, client, events, logger, ...scope });
  const pushed = (image: string, tag: string, atMs: number) => {
    deliveries.pushed(image, tag, atMs);
    reports.pushed(image, tag, atMs);
  };
  const deps = { client, config, options, namespace, env, logger, metrics, events: recorders.of, pushed, signal };
  const set = await assemble(options.controllers, deps);
  const isScraped = servers.some(({ name }) => name === 'metrics');
  const manager = createManager({
    client,
    controllers: set.controllers,
    ...scope,
    onChange: (change) => {
      if (isScraped) deliveries.observe(change);
      reports.observe(change);
    },
    ...(options.watchLabelSelector === undefined ? {} : { labelSelector: options.watchLabelSelector }),
    logger,
    metrics,
    backoff: { firstDelayMs: options.minRetryDelayMs, maxDelayMs: options.maxRetryDelayMs },
    // Who has lost the Lease is followed by another in a few seconds.
    drainMs: (why) => (isMillraceError(why, 'LEASE_LOST') ? 0 : options.gracefulShutdownMs),
  });
  state.manager = manager;
  const addresses = Object.fromEntries(servers.map(({ name, server }) => [name, server.address]));
  void logWhenReady(manager, logger, { controllers: options.controllers, ...addresses, ...set.addresses }, signal);
  const following = [...(isScraped ? [deliveries.watch(signal)] : []), reports.watch(signal)];
  try {
    await manager.run(signal);
  } finally {
    await Promise.all(following);
    await set.close();
    await recorders.close();
    logger.info('stopped');
  }
}

/** One line that a parent process can wait for. */
async function logWhenReady(
  manager: Manager,
  logger: Logger,
  fields: Record<string, unknown>,
  signal: AbortSignal,
): Promise<void> {
  for (let pause = 20; !signal.aborted; pause = Math.min(pause * 1.5, 1000)) {
    if (manager.isSynced()) return logger.info('ready', fields);
    await sleep(pause, signal).catch(() => {});
  }
}

interface NamedServer {
  name: 'metrics' | 'health';
  server: ProcessServer;
}

async function startServers(options: RunOptions, metrics: Metrics, isReady: () => boolean): Promise<NamedServer[]> {
  const servers: NamedServer[] = [];
  const metricsAddress = parseListenAddress(options.metricsAddr ?? '0', '--metrics-addr');
  const healthAddress = parseListenAddress(options.healthAddr ?? '0', '--health-addr');
  if (metricsAddress !== undefined) {
    const text = () => metrics.registry.metrics();
    // Health is answered here as well, for who opens one port only.
    const server = await startProcessServer({ address: metricsAddress, metrics: text, isReady });
    servers.push({ name: 'metrics', server });
  }
  if (healthAddress !== undefined) {
    servers.push({ name: 'health', server: await startProcessServer({ address: healthAddress, isReady }) });
  }
  return servers;
}
