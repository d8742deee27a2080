import { type Clock, formatTime, systemClock } from '../base/clock.ts';
import { newLifetime } from '../base/deadline.ts';
import { errorMessage } from '../base/error.ts';
import type { KubeObject } from '../base/kube-object.ts';
import type { Logger } from '../base/logger.ts';
import { redact } from '../base/redact.ts';
import type { KubeClient } from '../kube/client.ts';
import { isKubeReason } from '../kube/status-error.ts';
import { createEventSeries, type Placement } from './event-series.ts';
import type { EventRecorder, EventType } from './events.ts';
import { type Notification, notificationOf } from './notification.ts';

export interface EventRecorderOptions {
  client: KubeClient;
  /** The controller that reports, `source-controller` for instance. */
  component: string;
  /** The process: a pod's name. */
  instance: string;
  logger: Logger;
  /** Sends to the notification endpoint of `--events-addr`; the events stay in the cluster alone without it. */
  notify?(notification: Notification, signal: AbortSignal): Promise<void>;
  clock?: Clock;
}

/** A recorder that writes in the background, in order. */
export interface RunningEventRecorder extends EventRecorder {
  /** Resolves when everything recorded so far has been written or given up. */
  flush(): Promise<void>;
  /** Gives up what is not written yet. */
  close(): void;
}

/** Reports are worth some memory, but not without bound: past this many unwritten ones the newest are dropped. */
const mostPending = 2000;
const longestMessage = 1024;

export function createEventRecorder(options: EventRecorderOptions): RunningEventRecorder {
  const { client, component, instance, logger, notify, clock = systemClock } = options;
  const series = createEventSeries();
  const lifetime = newLifetime();
  const { signal } = lifetime;
  const cluster = newBackgroundLine(logger);
  const outside = newBackgroundLine(logger);

  const write = async (object: KubeObject, placement: Placement, draft: KubeObject) => {
    const { record, message } = placement;
    const namespace = draft.metadata.namespace ?? 'default';
    if (record.eventName !== undefined) {
      try {
        const body = { count: record.count, lastTimestamp: draft['lastTimestamp'], message };
        const ref = { apiVersion: 'v1', kind: 'Event', namespace, name: record.eventName };
        await client.patch(ref, 'merge', body, { signal });
        return;
      } catch (error) {
        if (!isKubeReason(error, 'NotFound')) throw error;
        // Events are kept for an hour only.
        record.count = 1;
        record.firstAt = clock.now();
      }
    }
    record.eventName = undefined;
    try {
      const created = await client.create(draft, { signal });
      record.eventName = created.metadata.name;
    } catch (error) {
      series.forget(placement);
      // A namespace that is ending takes no events.
      if (!isKubeReason(error, 'NotFound', 'Forbidden')) throw error;
      logger.debug(`event of ${object.kind}/${object.metadata.name} was refused: ${errorMessage(error)}`);
    }
  };

  return {
    event(object, type, reason, message, metadata) {
      const at = clock.now();
      const source = `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}/${object.metadata.uid ?? ''}`;
      const shown = redact(message);
      const placement = series.place({ source, type: clusterType(type), reason, message: shown, at });
      if (placement !== undefined && cluster.length() < mostPending) {
        const { count, firstAt } = placement.record;
        const draft = newEvent({
          object,
          type,
          reason,
          message: placement.message,
          metadata,
          component,
          instance,
          at,
          firstAt,
          count,
        });
        cluster.add(() => write(object, placement, draft));
      }
      if (notify === undefined || type === 'Trace' || outside.length() >= mostPending) return;
      const notification = notificationOf({ object, type, reason, message: shown, metadata, component, instance, at });
      outside.add(() => notify(notification, signal));
    },
    flush: () => Promise.all([cluster.idle(), outside.idle()]).then(() => {}),
    close: () => lifetime.abort(new DOMException('the event recorder is closed', 'AbortError')),
  };
}

interface EventFacts {
  object: KubeObject;
  type: EventType;
  reason: string;
  message: string;
  metadata: Readonly<Record<string, string>> | undefined;
  component: string;
  instance: string;
  at: number;
  firstAt: number;
  count: number;
}

function clusterType(type: EventType): 'Normal' | 'Warning' {
  return type === 'Warning' ? 'Warning' : 'Normal';
}

function newEvent(facts: EventFacts): KubeObject {
  const { object, component, instance } = facts;
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const eventNamespace = namespace ?? 'default';
  const unique = `${facts.at.toString(16)}${Math.floor(Math.random() * 2 ** 20).toString(16)}`;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `${name.slice(0, 230)}.${unique}`,
      namespace: eventNamespace,
      ...(facts.metadata === undefined ? {} : { annotations: { ...facts.metadata } }),
    },
    involvedObject: { apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid, resourceVersion },
    type: clusterType(facts.type),
    reason: facts.reason.slice(0, 128),
    message: facts.message.slice(0, longestMessage),
    source: { component, host: instance },
    reportingComponent: component,
    reportingInstance: instance,
    firstTimestamp: formatTime(facts.firstAt),
    lastTimestamp: formatTime(facts.at),
    count: facts.count,
  };
}

/** Runs jobs one after the other; what one throws is logged and forgotten. */
function newBackgroundLine(logger: Logger) {
  let tail: Promise<void> = Promise.resolve();
  let length = 0;
  return {
    add(job: () => Promise<void>) {
      length++;
      tail = tail
        .then(job)
        .catch((error: unknown) => logger.debug(`an event was not delivered: ${errorMessage(error)}`))
        .finally(() => {
          length--;
        });
    },
    idle: () => tail,
    length: () => length,
  };
}
