import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newLifetime } from '../../../base/deadline.ts';
import { textAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { createLogger } from '../../../base/logger.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { createEventRecorder } from '../../../runtime/event-recorder.ts';
import { createInformer } from '../../../runtime/informer.ts';
import type { SandboxKubernetes } from '../../../sandbox/kubernetes/kubernetes.ts';
import type { CliContext } from '../../context.ts';
import type { ControllersProcess } from '../controllers.ts';
import { splitLabel } from './deployments.ts';
import { type PodProcess, runPod } from './pod-process.ts';

const pods = { apiVersion: 'v1', kind: 'Pod' };

export interface PodProcessesOptions {
  kubernetes: SandboxKubernetes;
  kube: KubeClient;
  namespace: string;
  /** Absolute: files and logs of the pods are kept in it. */
  dataDir: string;
}

/** Does for the controllers' pods what the kubelet would: a process for each pod that runs, which ends with its pod. */
export async function runPods(options: PodProcessesOptions, context: CliContext): Promise<ControllersProcess> {
  const { kube, namespace, dataDir } = options;
  const logger = createLogger('error', context.stderr);
  const events = createEventRecorder({ client: kube, component: 'kubelet', instance: 'millrace', logger });
  const parts = { ...options, events, logger };
  const running = new Map<string, Promise<PodProcess>>();
  /** By controller: its pods share a folder, so that the next begins when the one before has ended. */
  const ends = new Map<string, Promise<void>>();
  const life = newLifetime();
  // What an earlier start was killed with.
  await rm(join(dataDir, 'pods'), { recursive: true, force: true });

  const begin = (pod: KubeObject) => {
    const uid = pod.metadata.uid ?? '';
    if (running.has(uid) || life.signal.aborted) return;
    const before = ends.get(controllerOf(pod)) ?? Promise.resolve();
    running.set(
      uid,
      before.then(() => runPod(pod, parts, context)),
    );
  };
  const end = (pod: KubeObject) => {
    const uid = pod.metadata.uid ?? '';
    const process = running.get(uid);
    if (process === undefined) return;
    running.delete(uid);
    ends.set(
      controllerOf(pod),
      process.then((one) => one.close()),
    );
  };
  const labelSelector = Object.entries(splitLabel)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
  const informer = createInformer({ client: kube, kind: pods, namespace, labelSelector, logger });
  informer.onChange(({ before, after }) => {
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid) end(before);
    if (after === undefined) return;
    if (after.metadata.deletionTimestamp !== undefined) end(after);
    else if (textAt(after, 'status', 'phase') === 'Running') begin(after);
  });
  const watching = informer.run(life.signal);
  return {
    // A process that ends is restarted.
    failed: new Promise<never>(() => {}),
    async close() {
      life.abort();
      await watching;
      await Promise.all([...running.values()].map(async (process) => (await process).close()));
      await Promise.all(ends.values());
      events.close();
    },
  };
}

function controllerOf({ metadata }: KubeObject): string {
  return metadata.labels?.['app'] ?? metadata.name;
}
