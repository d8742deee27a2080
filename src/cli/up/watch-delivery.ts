import { sleep } from '../../base/deadline.ts';
import { isMillraceError } from '../../base/error.ts';
import type { KindRef, KubeObject } from '../../base/kube-object.ts';
import type { Hop } from '../../diagnose/delivery/hops.ts';
import type { DeliveryTracker } from '../../diagnose/delivery/tracker.ts';
import type { KubeClient } from '../../kube/client.ts';

/** The kinds that a delivery passes through. */
const watchedKinds: readonly KindRef[] = [
  { apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageRepository' },
  { apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImagePolicy' },
  { apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageUpdateAutomation' },
  { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' },
  { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
];

export interface WatchDeliveryOptions {
  client: KubeClient;
  tracker: DeliveryTracker;
  /** Called for every hop in order, once. */
  onHop: (hop: Hop) => void | Promise<void>;
  signal: AbortSignal;
}

/** Watches the objects of a delivery and reports its hops until the last one is done or the signal aborts. */
export async function watchDelivery({ client, tracker, onHop, signal }: WatchDeliveryOptions): Promise<void> {
  const finished = new AbortController();
  const stop = () => finished.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  let reported = 0;
  let reporting = Promise.resolve();
  const observe = (object: KubeObject) => {
    tracker.observe(object, Date.now());
    for (const hop of tracker.hops.slice(reported)) {
      reported++;
      reporting = reporting.then(() => onHop(hop));
    }
    if (tracker.isComplete) finished.abort();
  };
  try {
    if (signal.aborted) stop();
    await Promise.all(watchedKinds.map((kind) => follow(client, kind, observe, finished.signal)));
    await reporting;
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Lists and watches one kind, starting over whenever the watch ends, until the signal aborts. */
async function follow(
  client: KubeClient,
  kind: KindRef,
  observe: (object: KubeObject) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { items, resourceVersion } = await client.list(kind, { signal });
      for (const item of items) observe(item);
      for await (const event of client.watch(kind, { resourceVersion, signal })) {
        if (event.type !== 'BOOKMARK' && event.type !== 'DELETED') observe(event.object);
      }
    } catch (error) {
      if (signal.aborted) return;
      // Not served yet, or the server is busy: the same question a little later.
      if (!isMillraceError(error)) throw error;
      await sleep(250, signal).catch(() => {});
    }
  }
}
