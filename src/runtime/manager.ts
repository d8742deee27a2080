import { sleep } from '../base/deadline.ts';
import { type KindRef, keyOf, type ObjectKey } from '../base/kube-object.ts';
import type { Logger } from '../base/logger.ts';
import type { BackoffOptions } from '../base/retry.ts';
import type { KubeClient } from '../kube/client.ts';
import { type ControlLoop, createControlLoop } from './control-loop.ts';
import type { Change, Controller } from './controller.ts';
import { createInformer, type Informer } from './informer.ts';
import type { Metrics } from './metrics.ts';
import { isManualRequest, isReconcileTrigger } from './request.ts';

export interface ManagerOptions {
  client: KubeClient;
  controllers: readonly Controller[];
  /** Only objects of this namespace; all when left out. */
  namespace?: string;
  /** Which objects of the controllers' own kinds are theirs: label shards (spec/source.md §2.5). */
  labelSelector?: string;
  logger: Logger;
  metrics: Metrics;
  backoff?: BackoffOptions;
  /** Told of every change of every kind that is watched. */
  onChange?(change: Change): void;
  /** How long runs under way may go on after the end was asked for, in milliseconds, by the reason. Default 20 seconds. */
  drainMs?(reason: unknown): number;
}

/** Runs controllers over shared informers. */
export interface Manager {
  /** Runs until the signal aborts, then finishes what is under way and returns. */
  run(signal: AbortSignal): Promise<void>;
  /** Whether every informer has read its first list. */
  isSynced(): boolean;
  /** Objects that wait for a worker or have one. */
  busy(): number;
}

/** A controller does not wait longer than this for the kinds it watches besides its own: a CRD may be missing for good. */
const syncPatienceMs = 5_000;

export function createManager(options: ManagerOptions): Manager {
  const { client, controllers, logger, metrics } = options;
  const scope = options.namespace === undefined ? {} : { namespace: options.namespace };
  const informers = new Map<string, Informer>();

  const informerOf = (kind: KindRef, labelSelector: string | undefined): Informer => {
    const id = `${kind.apiVersion}/${kind.kind}?${labelSelector ?? ''}`;
    let informer = informers.get(id);
    if (informer === undefined) {
      const selection = labelSelector === undefined ? {} : { labelSelector };
      informer = createInformer({ client, kind, ...scope, ...selection, logger });
      if (options.onChange !== undefined) informer.onChange(options.onChange);
      informers.set(id, informer);
    }
    return informer;
  };

  const loops = controllers.map((controller) => {
    const own = informerOf(controller.kind, options.labelSelector);
    const backoff = options.backoff === undefined ? {} : { backoff: options.backoff };
    const exists = (key: ObjectKey) => own.cache.get(key) !== undefined;
    const loop = createControlLoop({ controller, logger, metrics, exists, ...backoff });
    metrics.resources(controller.kind, own.cache);
    if (controller.indexes !== undefined) own.addIndexes(controller.indexes);
    own.onChange((change) => wakeOwn(controller, loop, metrics, change));
    const others = (controller.watches ?? []).map((watch) => {
      const informer = informerOf(watch.kind, watch.labelSelector);
      informer.onChange((change) => {
        for (const key of watch.wakes(change, own.cache)) loop.wake(key);
      });
      return informer;
    });
    return { loop, informers: [own, ...others] };
  });

  /** Workers begin when all that may wake an object has been heard once, so that nothing is done twice at the start. */
  const startWhenSynced = async (entry: (typeof loops)[number], signal: AbortSignal) => {
    const deadline = performance.now() + syncPatienceMs;
    while (!entry.informers.every((informer) => informer.isSynced()) && performance.now() < deadline) {
      await sleep(20, signal);
    }
    entry.loop.start();
  };

  return {
    async run(signal) {
      const watching = [...informers.values()].map((informer) => informer.run(signal));
      // An abort during the wait is the ordinary end.
      const starting = loops.map((entry) => startWhenSynced(entry, signal).catch(() => {}));
      await Promise.all([...watching, ...starting]);
      await drain(
        loops.map(({ loop }) => loop),
        options.drainMs?.(signal.reason) ?? 20_000,
        logger,
      );
    },
    isSynced: () => [...informers.values()].every((informer) => informer.isSynced()),
    busy: () => loops.reduce((sum, { loop }) => sum + loop.busy(), 0),
  };
}

function wakeOwn(controller: Controller, loop: ControlLoop, metrics: Metrics, change: Change): void {
  const object = change.after ?? change.before;
  if (object === undefined) return;
  if (change.after === undefined) metrics.objectGone(controller.kind.kind, keyOf(object));
  const triggers = controller.triggers ?? isReconcileTrigger;
  if (triggers(change)) loop.wake(keyOf(object), { urgent: isManualRequest(change) });
}

async function drain(loops: ControlLoop[], ms: number, logger: Logger): Promise<void> {
  const timer = setTimeout(() => {
    logger.warn('ending the reconciliations that are still under way');
    for (const loop of loops) loop.abort();
  }, ms);
  await Promise.all(loops.map((loop) => loop.stop()));
  clearTimeout(timer);
}
