import { type Clock, formatMicroTime, systemClock } from '../base/clock.ts';
import { newLifetime, sleep, withDeadline } from '../base/deadline.ts';
import { errorMessage, MillraceError } from '../base/error.ts';
import type { KubeObject, ObjectRef } from '../base/kube-object.ts';
import type { Logger } from '../base/logger.ts';
import { retry } from '../base/retry.ts';
import type { KubeClient } from '../kube/client.ts';

/** `coordination.k8s.io/v1` Lease, the parts that the election uses. */
export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface LeaderElectionOptions {
  client: KubeClient;
  namespace: string;
  /** Name of the Lease. */
  name: string;
  /** This process; unique among those that stand for election. */
  identity: string;
  logger: Logger;
  /** How long a leader that vanished keeps the others waiting. Default 35 seconds, as Flux. */
  leaseMs?: number;
  /** A leader that could not renew for so long stops leading. Default 30 seconds. */
  renewDeadlineMs?: number;
  /** Time between two tries to acquire or renew. Default 5 seconds. */
  retryMs?: number;
  onLeading?(isLeader: boolean): void;
  clock?: Clock;
}

/**
 * Runs `lead` while this process holds the Lease. Returns when `signal` aborts, after `lead` has ended and the Lease has
 * been given back, so that another takes over at once. Also returns when the Lease was lost: the process had better end
 * and start anew, as its view of the world may be old.
 */
export async function runWhileLeading(
  options: LeaderElectionOptions,
  signal: AbortSignal,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<'ended' | 'lost'> {
  const { leaseMs = 35_000, renewDeadlineMs = 30_000, retryMs = 5_000, logger, clock = systemClock } = options;
  const candidate = createCandidate(options, leaseMs, clock);
  const term = newLifetime();

  const attempt = () =>
    withDeadline(signal, retryMs * 2, 'lease', (limited) => candidate.tryToHold(limited)).catch((error: unknown) => {
      if (!signal.aborted) logger.debug(`lease ${options.name}: ${errorMessage(error)}`);
      return undefined;
    });
  const holdOn = () => candidate.tryToHold(AbortSignal.timeout(retryMs * 2)).catch(() => {});
  const pause = () => sleep(retryMs * (0.9 + 0.2 * Math.random()), signal).catch(() => {});

  logger.info(`waiting to lead: lease ${options.namespace}/${options.name}`, { identity: options.identity });
  while (!signal.aborted && (await attempt()) !== true) await pause();
  if (signal.aborted) return 'ended';

  logger.info('leading', { identity: options.identity });
  options.onLeading?.(true);
  const onAbort = () => term.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const leading = lead(term.signal).finally(() => term.abort());
  let isLost = false;
  let heldAt = clock.now();
  while (!term.signal.aborted) {
    await sleep(retryMs, term.signal).catch(() => {});
    if (term.signal.aborted) break;
    const held = await attempt();
    if (held === true) heldAt = clock.now();
    isLost = held === false || clock.now() - heldAt > renewDeadlineMs;
    if (isLost) term.abort(leaseLost(options));
  }
  // Runs under way may need longer than the Lease has left.
  while (!isLost && !(await settlesWithin(leading, retryMs))) await holdOn();
  await leading;
  signal.removeEventListener('abort', onAbort);
  options.onLeading?.(false);
  if (isLost) return 'lost';
  // A renewal still under way makes a conflict; it is over by the next try.
  await retry(() => candidate.release(), { attempts: 3, firstDelayMs: 50, maxDelayMs: 200 }).catch((error: unknown) =>
    logger.warn(`lease not given back: ${errorMessage(error)}`),
  );
  return 'ended';
}

/** Whether work ends, well or not, within a time. */
async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = newLifetime();
  const settled = work.then(
    () => true,
    () => true,
  );
  const isSettled = await Promise.race([
    settled,
    sleep(ms, timer.signal).then(
      () => false,
      () => false,
    ),
  ]);
  timer.abort();
  return isSettled;
}

/** Why the work of a leader ends at once: another may lead already. */
export function leaseLost({ namespace, name }: Pick<LeaderElectionOptions, 'namespace' | 'name'>): MillraceError {
  return new MillraceError('LEASE_LOST', `The lease ${namespace}/${name} was lost to another process`);
}

function createCandidate({ client, namespace, name, identity }: LeaderElectionOptions, leaseMs: number, clock: Clock) {
  const ref: ObjectRef = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name };
  // Clocks of two machines disagree, so what counts is how long the record has not changed under our own eyes.
  let seen: { version: string | undefined; at: number } | undefined;

  const newSpec = (previous: Lease['spec']): NonNullable<Lease['spec']> => {
    const now = formatMicroTime(clock.now());
    const stays = previous?.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
      acquireTime: stays ? (previous.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: previous === undefined ? 0 : (previous.leaseTransitions ?? 0) + (stays ? 0 : 1),
    };
  };

  return {
    /** True when the Lease is ours now, false when it is another's; throws when that could not be found out. */
    async tryToHold(signal: AbortSignal): Promise<boolean> {
      const current = await client.get<Lease>(ref, { signal });
      if (current === undefined) {
        const metadata = { namespace, name };
        const lease: Lease = { apiVersion: ref.apiVersion, kind: ref.kind, metadata, spec: newSpec(undefined) };
        await client.create(lease, { signal });
        return true;
      }
      const { resourceVersion } = current.metadata;
      if (seen === undefined || seen.version !== resourceVersion) seen = { version: resourceVersion, at: clock.now() };
      const holder = current.spec?.holderIdentity ?? '';
      const durationMs = (current.spec?.leaseDurationSeconds ?? 0) * 1000;
      const isOthers = holder !== '' && holder !== identity && clock.now() - seen.at < durationMs;
      if (isOthers) return false;
      await client.update({ ...current, spec: newSpec(current.spec) }, { signal });
      return true;
    },
    async release(): Promise<void> {
      await withDeadline(new AbortController().signal, 5_000, 'lease', async (signal) => {
        // Read anew: a renewal that was cut off on the way may have been written all the same.
        const current = await client.get<Lease>(ref, { signal });
        if (current?.spec?.holderIdentity !== identity) return;
        const spec = { ...current.spec, holderIdentity: '', leaseDurationSeconds: 1 };
        await client.update({ ...current, spec }, { signal });
      });
    },
  };
}
