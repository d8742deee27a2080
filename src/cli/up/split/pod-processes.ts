import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newLifetime, sleep } from '../../../base/deadline.ts';
import { listAt, textAt } from '../../../base/json.ts';
import { type KubeObject, keyOf } from '../../../base/kube-object.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { writePrivateFile } from '../../../sandbox/sandbox-access.ts';
import type { CliContext } from '../../context.ts';
import { type ControllersProcess, startControllers } from '../controllers.ts';
import { kubeconfigFor } from '../kubeconfig-for.ts';
import { splitLabel } from './deployments.ts';
import { openPodFiles, type PodFiles } from './pod-files.ts';

const pods = { apiVersion: 'v1', kind: 'Pod' };
const pollMs = 100;

export interface PodProcessesOptions {
  sandbox: Sandbox;
  kube: KubeClient;
  namespace: string;
  /** Absolute: files and logs of the pods are kept in it. */
  dataDir: string;
}

interface Running {
  process: ControllersProcess;
  files: PodFiles;
  dir: string;
}

/**
 * Does for the controllers' pods what the kubelet would: a process for each pod that runs, with the arguments, variables and token
 * files of the pod as the webhook left it; it ends with its pod. Nothing else reaches the process.
 */
export function runPods(options: PodProcessesOptions, context: CliContext): ControllersProcess {
  const { kube, namespace } = options;
  const running = new Map<string, Running>();
  const life = newLifetime();
  const { signal } = life;
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});

  const reconcile = async () => {
    const labelSelector = Object.entries(splitLabel)[0]?.join('=') ?? '';
    const { items } = await kube.list(pods, { namespace, labelSelector, signal });
    const wanted = items.filter((pod) => textAt(pod, 'status', 'phase') === 'Running' && isKept(pod));
    for (const uid of [...running.keys()].filter((known) => !wanted.some(({ metadata }) => metadata.uid === known)))
      await stop(uid);
    for (const pod of wanted) {
      const uid = pod.metadata.uid ?? '';
      if (running.has(uid)) continue;
      const started = await startPod(pod, options, context, signal);
      running.set(uid, started);
      started.process.failed.catch(fail);
    }
  };
  const stop = async (uid: string) => {
    const one = running.get(uid);
    running.delete(uid);
    if (one === undefined) return;
    one.files.stop();
    await one.process.close();
    await rm(one.dir, { recursive: true, force: true });
  };
  const loop = (async () => {
    while (!signal.aborted) {
      await reconcile();
      await sleep(pollMs, signal);
    }
  })().catch((error: unknown) => {
    if (!signal.aborted) fail(error);
  });
  return {
    failed,
    async close() {
      life.abort();
      await loop;
      await Promise.all([...running.keys()].map(stop));
    },
  };
}

function isKept({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp === undefined;
}

async function startPod(
  pod: KubeObject,
  { sandbox, kube, namespace, dataDir }: PodProcessesOptions,
  { program, env }: CliContext,
  signal: AbortSignal,
): Promise<Running> {
  if (program === undefined) throw new Error('the program does not know how it was started');
  const dir = join(dataDir, 'pods', pod.metadata.uid ?? '');
  const controller = pod.metadata.labels?.['app'] ?? keyOf(pod).name;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const files = await openPodFiles(pod, dir, kube, signal);
  const account = { namespace, name: textAt(pod, 'spec', 'serviceAccountName') ?? 'default' };
  const kubeconfig = join(dir, 'kubeconfig');
  await writePrivateFile(kubeconfig, await kubeconfigFor(sandbox, kube, account, signal));
  const container = listAt(pod, 'spec', 'containers')[0];
  const [, ...args] = listAt(container, 'args').map(String);
  const given = listAt(container, 'env').map((variable) => [
    textAt(variable, 'name') ?? '',
    files.locate(textAt(variable, 'value') ?? ''),
  ]);
  const process = startControllers({
    program,
    args: [...args, '--kubeconfig', kubeconfig, '--storage-path', join(dataDir, 'controllers', controller)],
    env: { PATH: env['PATH'], HOME: env['HOME'], ...Object.fromEntries(given) },
    logFile: join(dataDir, `${controller}.log`),
  });
  return { process, files, dir };
}
