import { formatTime } from '../base/clock.ts';
import { sleep, withDeadline } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { backoffDelayMs } from '../base/retry.ts';
import type { EventType } from './events.ts';

/** What the notification endpoint is told (spec/source.md §2.6), in the form of Flux's `eventv1.Event`. */
export interface Notification {
  involvedObject: Record<string, string | undefined>;
  severity: 'info' | 'error';
  timestamp: string;
  message: string;
  reason: string;
  metadata?: Record<string, string>;
  reportingController: string;
  reportingInstance: string;
}

const annotationPrefix = 'event.toolkit.fluxcd.io/';

export function notificationOf(facts: {
  object: KubeObject;
  type: EventType;
  reason: string;
  message: string;
  metadata: Readonly<Record<string, string>> | undefined;
  component: string;
  instance: string;
  at: number;
}): Notification {
  const { apiVersion, kind, metadata } = facts.object;
  const { name, namespace, uid, resourceVersion, annotations = {} } = metadata;
  const copied = Object.entries(annotations).filter(([key]) => key.startsWith(annotationPrefix));
  const all = { ...Object.fromEntries(copied), ...facts.metadata };
  return {
    involvedObject: { kind, namespace, name, uid, apiVersion, resourceVersion },
    severity: facts.type === 'Warning' ? 'error' : 'info',
    timestamp: formatTime(facts.at),
    message: facts.message,
    reason: facts.reason,
    ...(Object.keys(all).length === 0 ? {} : { metadata: all }),
    reportingController: facts.component,
    reportingInstance: facts.instance,
  };
}

/** Sends a body and gives the status of the answer; throws when there was none. */
export type Post = (body: string, signal: AbortSignal) => Promise<number>;

const attempts = 5;
const attemptMs = 5_000;
const delays = { firstDelayMs: 500, maxDelayMs: 5_000 };

/** Posts notifications; connection errors and 5xx are tried again, 429 means that the endpoint knows it already. */
export function createNotifier(post: Post): (notification: Notification, signal: AbortSignal) => Promise<void> {
  return async (notification, signal) => {
    const body = JSON.stringify(notification);
    for (let attempt = 1; ; attempt++) {
      const status = await withDeadline(signal, attemptMs, 'notification', (limited) => post(body, limited)).catch(
        (error: unknown) => {
          if (signal.aborted || attempt === attempts) throw error;
          return 500;
        },
      );
      if (status < 300 || status === 429) return;
      if (status < 500 || attempt === attempts) {
        throw new MillraceError('HTTP_STATUS', `The notification endpoint answered ${status}`);
      }
      await sleep(backoffDelayMs(attempt, delays), signal);
    }
  };
}
