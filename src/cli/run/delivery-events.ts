import { sleep } from '../../base/deadline.ts';
import { formatDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import type { KindRef } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import { type DeliveryReport, DeliveryReports } from '../../diagnose/delivery/delivery-reports.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Change } from '../../runtime/controller.ts';
import type { EventRecorder } from '../../runtime/events.ts';
import { createInformer } from '../../runtime/informer.ts';
import type { ControllerName } from './controllers.ts';

export interface DeliveryEventsOptions {
  controllers: readonly ControllerName[];
  client: KubeClient;
  /** Of the automations, whose events these are. */
  events: EventRecorder;
  logger: Logger;
  /** Only objects of this namespace; all when left out. */
  namespace?: string;
}

export interface DeliveryEvents {
  pushed(image: string, tag: string, atMs: number): void;
  observe(change: Change): void;
  /** Follows deliveries until the signal aborts. Never throws: they go on without being reported. */
  watch(signal: AbortSignal): Promise<void>;
}

/** Reports each delivery by one event of its ImageUpdateAutomation. The process that applies does it, as it sees the end. */
export function createDeliveryEvents(options: DeliveryEventsOptions): DeliveryEvents {
  const { controllers, events } = options;
  const reports = new DeliveryReports((report) => tell(events, report));
  const isEnd = controllers.includes('kustomize-controller');
  let follow: (() => void) | undefined;
  const observe = (change: Change) => {
    reports.observe(change, Date.now());
    if (reports.isFollowing) follow?.();
  };
  return {
    pushed: (image, tag, atMs) => reports.pushed(image, tag, atMs),
    observe: isEnd ? observe : () => {},
    async watch(signal) {
      if (!isEnd) return;
      let following: Promise<void> | undefined;
      follow = () => {
        following ??= followDeliveries(reports, options, signal).finally(() => {
          following = undefined;
        });
      };
      const others = Object.entries(seenElsewhere).filter(([name]) => !controllers.includes(name as ControllerName));
      await Promise.all(others.flatMap(([, kinds]) => kinds).map((kind) => watchKind(kind, observe, options, signal)));
      await following;
    },
  };
}

/** What other processes reconcile, where the controllers are apart. */
const seenElsewhere: Partial<Record<ControllerName, readonly KindRef[]>> = {
  'source-controller': [{ apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' }],
  'image-reflector-controller': ['ImageRepository', 'ImagePolicy'].map(imageKind),
  'image-automation-controller': [imageKind('ImageUpdateAutomation')],
};

function imageKind(kind: string): KindRef {
  return { apiVersion: 'image.toolkit.fluxcd.io/v1', kind };
}

async function watchKind(
  kind: KindRef,
  observe: (change: Change) => void,
  { client, logger, namespace }: DeliveryEventsOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.resourceOf(kind, { signal });
  } catch (error) {
    // Without the kind there are no deliveries by it.
    if (!signal.aborted && !isMillraceError(error, 'KUBE_KIND_NOT_SERVED'))
      logger.warn(`deliveries are not reported: ${errorMessage(error)}`);
    return;
  }
  const informer = createInformer({ client, kind, logger, ...(namespace === undefined ? {} : { namespace }) });
  informer.onChange(observe);
  await informer.run(signal);
}

const firstLookMs = 250;
const lastLookMs = 5_000;
const workloads = ['Deployment', 'StatefulSet'].map((kind) => ({ apiVersion: 'apps/v1', kind }));
/** Only what Kustomizations have applied. */
const labelSelector = 'kustomize.toolkit.fluxcd.io/name';

/** Looks at the workloads, ever more rarely, for as long as a delivery waits for them. */
async function followDeliveries(
  reports: DeliveryReports,
  { client, logger, namespace }: DeliveryEventsOptions,
  signal: AbortSignal,
): Promise<void> {
  const scope = { labelSelector, signal, ...(namespace === undefined ? {} : { namespace }) };
  for (let pause = firstLookMs; reports.isFollowing && !signal.aborted; ) {
    await sleep(pause, signal).catch(() => {});
    if (reports.awaitsWorkloads) {
      pause = Math.min(pause * 1.5, lastLookMs);
      try {
        const lists = await Promise.all(workloads.map((kind) => client.list(kind, scope)));
        reports.observeWorkloads(
          lists.flatMap(({ items }) => items),
          Date.now(),
        );
      } catch (error) {
        if (!signal.aborted) logger.debug(`workloads of a delivery cannot be read: ${errorMessage(error)}`);
      }
    }
    reports.tick(Date.now());
  }
}

function tell(events: EventRecorder, { outcome, automation, commit, images, message, durationMs }: DeliveryReport) {
  const group = 'image.toolkit.fluxcd.io';
  const metadata = {
    [`${group}/revision`]: commit,
    [`${group}/images`]: images.join(', '),
    [`${group}/duration`]: formatDuration(durationMs),
  };
  if (outcome === 'delivered') events.event(automation, 'Normal', 'DeliverySucceeded', message, metadata);
  else events.event(automation, 'Warning', 'DeliveryStopped', message, metadata);
}
