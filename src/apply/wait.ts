import { errorMessage } from '../base/error.ts';
import { formatRef, type ObjectRef } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import type { HealthRules } from './health-expressions.ts';
import { type Health, statusOf } from './kstatus.ts';

/** An object to look at. */
export interface HealthTarget extends ObjectRef {
  /** It may go by itself when it is done: a Job with `ttlSecondsAfterFinished`. */
  mayVanish?: boolean;
}

export interface HealthReport {
  ref: HealthTarget;
  health: Health;
}

export interface HealthOptions {
  client: KubeClient;
  /** Expressions go before the built-in rules, for Jobs too. */
  rules?: HealthRules;
  signal: AbortSignal;
}

/** Looks at objects once; what is healthy is left out (spec/kustomization.md §11). */
export async function unhealthyOf(targets: readonly HealthTarget[], options: HealthOptions): Promise<HealthReport[]> {
  const reports: HealthReport[] = [];
  const width = 8;
  for (let at = 0; at < targets.length; at += width) {
    const some = targets.slice(at, at + width);
    reports.push(...(await Promise.all(some.map(async (ref) => ({ ref, health: await healthOf(ref, options) })))));
  }
  return reports.filter(({ health }) => health.status !== 'Current');
}

async function healthOf(ref: HealthTarget, { client, rules, signal }: HealthOptions): Promise<Health> {
  try {
    const object = await client.get(ref, { signal });
    if (object !== undefined) return rules?.(object) ?? statusOf(object);
    return ref.mayVanish === true ? { status: 'Current', message: '' } : { status: 'NotFound', message: '' };
  } catch (error) {
    signal.throwIfAborted();
    return { status: 'Unknown', message: errorMessage(error) };
  }
}

/**
 * Whether waiting on is useless: something has failed for good (with `failFast`), or nothing but failures is left.
 */
export function isSettled(unhealthy: readonly HealthReport[], failFast: boolean): boolean {
  const failed = unhealthy.filter(({ health }) => health.status === 'Failed').length;
  return unhealthy.length === 0 || failed === unhealthy.length || (failFast && failed > 0);
}

const mostShown = 50;

/** `[Deployment/apps/web status: 'InProgress': Available: 0/2]`: how conditions list what is not healthy. */
export function formatReports(reports: readonly HealthReport[]): string {
  const texts = reports.slice(0, mostShown).map(({ ref, health }) => {
    const { apiVersion, kind, name, namespace } = ref;
    const metadata = { name, ...(namespace === undefined || namespace === '' ? {} : { namespace }) };
    const message = health.message === '' ? '' : `: ${health.message}`;
    return `${formatRef({ apiVersion, kind, metadata })} status: '${health.status}'${message}`;
  });
  if (reports.length > mostShown) texts.push(`and ${reports.length - mostShown} more`);
  return `[${texts.join(', ')}]`;
}

/** What made the wait end badly, as in the condition `Healthy`. */
export function formatFailure(unhealthy: readonly HealthReport[]): string {
  const failed = unhealthy.filter(({ health }) => health.status === 'Failed');
  if (failed.length > 0) return `failed early due to stalled resources: ${formatReports(failed)}`;
  return `timeout waiting for: ${formatReports(unhealthy)}`;
}
