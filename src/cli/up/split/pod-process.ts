import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newLifetime, sleep } from '../../../base/deadline.ts';
import { listAt, textAt } from '../../../base/json.ts';
import { type KubeObject, keyOf } from '../../../base/kube-object.ts';
import type { Logger } from '../../../base/logger.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { EventRecorder } from '../../../runtime/events.ts';
import type { SandboxKubernetes } from '../../../sandbox/kubernetes/kubernetes.ts';
import { writePrivateFile } from '../../../sandbox/sandbox-access.ts';
import type { CliContext } from '../../context.ts';
import { type Ending, type StartedControllers, startControllers } from '../controllers.ts';
import { kubeconfigFor } from '../kubeconfig-for.ts';
import { backOffMessage, type ContainerState, type FinishedRun, statusOf } from './container-status.ts';
import { openPodFiles, type PodFiles } from './pod-files.ts';

export interface PodParts {
  kubernetes: Pick<SandboxKubernetes, 'url' | 'caPem' | 'issuer'>;
  kube: KubeClient;
  /** Absolute: files and logs of the pods are kept in it. */
  dataDir: string;
  events: EventRecorder;
  logger: Logger;
  /** How long a container waits before its n-th restart, in milliseconds. Default: as the kubelet. */
  backOff?(restart: number): number;
}

/** The process of one pod, from its start to the end of the pod. */
export interface PodProcess {
  close(): Promise<void>;
}

/** After so long a run, a container that ends is restarted at once again. As the kubelet. */
const healthyMs = 10 * 60_000;

/** The kubelet's: at once, after ten seconds, and twice as long each time up to five minutes. */
function kubeletBackOff(restart: number): number {
  return restart <= 1 ? 0 : Math.min(10_000 * 2 ** (restart - 2), 300_000);
}

/**
 * Runs the container of a pod as the kubelet would: with the arguments, variables and token files of the pod and nothing else. One
 * that ends by itself is restarted with growing delays, and the status of the pod says so. A pod that cannot be started is tried
 * again likewise.
 */
export function runPod(pod: KubeObject, parts: PodParts, context: Pick<CliContext, 'program' | 'env'>): PodProcess {
  const { kube, logger, events, backOff = kubeletBackOff } = parts;
  const dir = join(parts.dataDir, 'pods', pod.metadata.uid ?? '');
  const life = newLifetime();
  const { signal } = life;
  let running: StartedControllers | undefined;

  const tell = async (state: ContainerState) => {
    const ref = { apiVersion: 'v1', kind: 'Pod', ...keyOf(pod) };
    try {
      const now = await kube.get(ref, { signal });
      if (now === undefined || now.metadata.uid !== pod.metadata.uid) return;
      const status = statusOf(now, state, Date.now());
      await kube.patch(ref, 'merge', { status }, { subresource: 'status', fieldManager: 'kubelet', signal });
    } catch (error) {
      if (!signal.aborted) logger.warn('the status of a pod cannot be written', { pod: pod.metadata.name, error });
    }
  };
  const runOnce = async (): Promise<Ending> => {
    let files: PodFiles | undefined;
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      files = await openPodFiles(pod, dir, { kube, issuer: parts.kubernetes.issuer, signal });
      running = await start(pod, parts, context, { dir, files });
      if (signal.aborted) await running.close();
      return await running.ended;
    } catch (error) {
      if (!signal.aborted) logger.error('a pod cannot be started', { pod: pod.metadata.name, error });
      // What container runtimes give for a container that did not come to run.
      return { exitCode: 128, signal: undefined };
    } finally {
      files?.stop();
      running = undefined;
    }
  };
  const loop = async () => {
    let inARow = 0;
    let last: FinishedRun | undefined;
    for (let restarts = 0; !signal.aborted; restarts++) {
      const startedMs = Date.now();
      if (last !== undefined) await tell({ kind: 'running', sinceMs: startedMs, restarts, last });
      const ending = await runOnce();
      if (signal.aborted) return;
      last = { ...ending, startedMs, finishedMs: Date.now() };
      inARow = last.finishedMs - startedMs >= healthyMs ? 1 : inARow + 1;
      const backOffMs = backOff(inARow);
      logger.error('a controller ended by itself and is restarted', { pod: pod.metadata.name, ...ending, backOffMs });
      if (backOffMs > 0) await tell({ kind: 'waiting', backOffMs, restarts, last });
      if (backOffMs > 0) events.event(pod, 'Warning', 'BackOff', backOffMessage(pod, backOffMs));
      await sleep(backOffMs, signal).catch(() => {});
    }
  };
  const ended = loop();
  return {
    async close() {
      life.abort();
      await running?.close();
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function start(
  pod: KubeObject,
  { kubernetes, dataDir }: PodParts,
  { program, env }: Pick<CliContext, 'program' | 'env'>,
  { dir, files }: { dir: string; files: PodFiles },
): Promise<StartedControllers> {
  if (program === undefined) throw new Error('the program does not know how it was started');
  const controller = pod.metadata.labels?.['app'] ?? keyOf(pod).name;
  const kubeconfig = join(dir, 'kubeconfig');
  const user = { tokenFile: files.apiTokenFile };
  await writePrivateFile(kubeconfig, kubeconfigFor(kubernetes, keyOf(pod).namespace, user));
  const container = listAt(pod, 'spec', 'containers')[0];
  const [, ...args] = listAt(container, 'args').map(String);
  const given = listAt(container, 'env').map((variable) => [
    textAt(variable, 'name') ?? '',
    files.locate(textAt(variable, 'value') ?? ''),
  ]);
  return startControllers({
    program,
    args: [...args, '--kubeconfig', kubeconfig, '--storage-path', join(dataDir, 'controllers', controller)],
    env: { PATH: env['PATH'], HOME: env['HOME'], ...Object.fromEntries(given) },
    logFile: join(dataDir, `${controller}.log`),
  });
}
