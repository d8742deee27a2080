import { hostname } from 'node:os';
import type { Logger } from '../../base/logger.ts';
import { createAlertDispatcher } from '../../controllers/alert/dispatcher.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { proxyFromEnv } from '../../http/proxy.ts';
import type { KubeClient } from '../../kube/client.ts';
import { createEventRecorder, type RunningEventRecorder } from '../../runtime/event-recorder.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { createNotifier, type Notification } from '../../runtime/notification.ts';
import type { ControllerName } from './controllers.ts';
import type { RunOptions } from './options.ts';

export interface RecordersOptions {
  client: KubeClient;
  options: RunOptions;
  env: Readonly<Record<string, string | undefined>>;
  logger: Logger;
  metrics: Metrics;
  /** Alerts of this namespace alone; of all when left out. */
  namespace?: string;
}

/** Writes the events of each controller into the cluster, and tells those outside who asked for them. */
export interface EventRecorders {
  of(component: ControllerName): RunningEventRecorder;
  /** Says what can be said within a few seconds. */
  close(): Promise<void>;
}

const closeMs = 3_000;

/** An event recorder for each controller, made when it is first asked for. */
export function createEventRecorders(deps: RecordersOptions): EventRecorders {
  const { client, logger } = deps;
  const recorders = new Map<ControllerName, RunningEventRecorder>();
  const outside = openOutside(deps);
  return {
    of(component) {
      const known = recorders.get(component);
      if (known !== undefined) return known;
      const { notify } = outside;
      const recorder = createEventRecorder({ client, component, instance: hostname(), logger, notify });
      recorders.set(component, recorder);
      return recorder;
    },
    async close() {
      const all = [...recorders.values()];
      // What cannot be said within a few seconds stays unsaid: the process must end.
      const timer = setTimeout(() => {
        for (const one of [...all, outside]) one.close();
      }, closeMs);
      await Promise.all(all.map((recorder) => recorder.flush()));
      await outside.flush();
      clearTimeout(timer);
      await outside.end();
    },
  };
}

interface Outside {
  notify(event: Notification, signal: AbortSignal): Promise<void>;
  flush(): Promise<void>;
  close(): void;
  end(): Promise<void>;
}

/** A notification-controller, where one is named, heeds the Alerts; else this process does. Never both: each event is told once. */
function openOutside({ client, options, env, logger, metrics, namespace }: RecordersOptions): Outside {
  const { eventsAddr, noCrossNamespaceRefs } = options;
  if (eventsAddr !== undefined) {
    const http = createHttpClient({ connections: 4 });
    const notify = createNotifier(async (body, signal) => {
      const headers = { 'content-type': 'application/json' };
      const response = await http.send({ method: 'POST', url: eventsAddr, headers, body, signal });
      await response.discard();
      return response.status;
    });
    return { notify, flush: async () => {}, close: () => {}, end: () => http.close({ force: true }) };
  }
  const proxy = proxyFromEnv(env);
  const http = createHttpClient({ connections: 4, ...(proxy === undefined ? {} : { proxy }) });
  const alerts = createAlertDispatcher({
    client,
    http,
    logger,
    noCrossNamespaceRefs,
    onMessage: metrics.notification,
    ...(namespace === undefined ? {} : { namespace }),
  });
  return { ...alerts, end: () => http.close({ force: true }) };
}
