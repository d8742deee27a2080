import { errorMessage } from '../base/error.ts';
import { formatRef, type ObjectRef } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { failedPods } from './failed-pods.ts';
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
    if (object === undefined) return { status: ref.mayVanish === true ? 'Current' : 'NotFound', message: '' };
    const byRule = rules?.(object);
    if (byRule !== undefined) return byRule;
    const health = statusOf(object);
    if (health.status !== 'InProgress') return health;
    const pods = await failedPods(object, client, signal);
    return pods.length === 0 ? health : { status: 'Failed', message: `pods have failed: ${pods.join(', ')}` };
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

/** What made the wait end badly, as in the condition `Healthy`: Flux's list, then what is known of each of its objects. */
export function formatFailure(unhealthy: readonly HealthReport[]): string {
  const failed = unhealthy.filter(({ health }) => health.status === 'Failed');
  const [what, reports] =
    failed.length > 0 ? ['failed early due to stalled resources', failed] : ['timeout waiting for', unhealthy];
  const shown = reports.slice(0, mostShown);
  const list = shown.map(({ ref, health }) => `${formatTarget(ref)} status: '${health.status}'`);
  if (reports.length > shown.length) list.push(`and ${reports.length - shown.length} more`);
  const details = shown
    .filter(({ health }) => health.message !== '')
    .map(({ ref, health }) => `${formatTarget(ref)}: ${health.message}`);
  return [`${what}: [${list.join(', ')}]`, ...details].join('\n');
}

function formatTarget({ apiVersion, kind, name, namespace }: HealthTarget): string {
  return formatRef({ apiVersion, kind, metadata: { name, ...(namespace ? { namespace } : {}) } });
}
