import { sleep } from '../base/deadline.ts';
import { errorMessage } from '../base/error.ts';
import { formatRef, type KubeObject, type ObjectRef } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { type Health, statusOf } from './kstatus.ts';

export interface HealthReport {
  ref: ObjectRef;
  health: Health;
}

export interface WaitOptions {
  client: KubeClient;
  timeoutMs: number;
  /** Stop at the first object that has failed for good. */
  failFast: boolean;
  signal: AbortSignal;
}

const firstPollMs = 50;
const longestPollMs = 2_000;

/**
 * Waits until every object is Current; gives what is not when the time is up or an object has failed, nothing when all are well
 * (spec/kustomization.md §11).
 */
export async function waitForHealth(
  refs: readonly ObjectRef[],
  options: WaitOptions,
): Promise<{ reports: HealthReport[]; timedOut: boolean }> {
  const { client, timeoutMs, failFast, signal } = options;
  const deadline = Date.now() + timeoutMs;
  let pending = [...refs];
  for (let pollMs = firstPollMs; ; pollMs = Math.min(longestPollMs, pollMs * 1.5)) {
    const reports = await Promise.all(
      pending.map(async (ref) => ({ ref, health: await healthOf(client, ref, signal) })),
    );
    const unhealthy = reports.filter(({ health }) => health.status !== 'Current');
    pending = unhealthy.map(({ ref }) => ref);
    if (unhealthy.length === 0) return { reports: [], timedOut: false };
    const hasFailed = unhealthy.filter(({ health }) => health.status === 'Failed');
    if (hasFailed.length > 0 && (failFast || hasFailed.length === unhealthy.length))
      return { reports: unhealthy, timedOut: false };
    if (Date.now() >= deadline) return { reports: unhealthy, timedOut: true };
    await sleep(Math.min(pollMs, Math.max(0, deadline - Date.now())), signal);
  }
}

async function healthOf(client: KubeClient, ref: ObjectRef, signal: AbortSignal): Promise<Health> {
  try {
    const object = await client.get(ref, { signal });
    return object === undefined ? { status: 'NotFound', message: 'it does not exist' } : statusOf(object);
  } catch (error) {
    signal.throwIfAborted();
    return { status: 'Unknown', message: errorMessage(error) };
  }
}

/** `[Deployment/apps/web status: 'InProgress': Available: 0/2]`: how conditions list what is not healthy. */
export function formatReports(reports: readonly HealthReport[]): string {
  const texts = reports.map(({ ref, health }) => {
    const object: KubeObject = {
      apiVersion: ref.apiVersion,
      kind: ref.kind,
      metadata: { name: ref.name, ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }) },
    };
    return `${formatRef(object)} status: '${health.status}'${health.message === '' ? '' : `: ${health.message}`}`;
  });
  return `[${texts.join(', ')}]`;
}
