import { randomUUID } from 'node:crypto';
import { newLifetime } from '../base/deadline.ts';
import { errorMessage, isMillraceError } from '../base/error.ts';
import type { ObjectKey } from '../base/kube-object.ts';
import type { Logger } from '../base/logger.ts';
import type { BackoffOptions } from '../base/retry.ts';
import type { Controller, Outcome } from './controller.ts';
import { type Metrics, metricName, type ReconcileResult } from './metrics.ts';
import { createWorkQueue } from './work-queue.ts';

export interface ControlLoopOptions {
  controller: Controller;
  logger: Logger;
  metrics: Metrics;
  backoff?: BackoffOptions;
  /** Whether the object exists: the metrics of one that has gone stay gone. */
  exists(key: ObjectKey): boolean;
}

/** Works off the queue of one controller, up to `controller.concurrency` objects side by side. */
export interface ControlLoop {
  wake(key: ObjectKey, options?: { urgent?: boolean }): void;
  /** Lets the workers begin; until then keys gather. */
  start(): void;
  /** Takes nothing more; resolves when the runs under way have ended. */
  stop(): Promise<void>;
  /** Tells the runs under way to end now. */
  abort(): void;
  busy(): number;
}

/** So many times `concurrency` runs may be slow at once, so that an outage cannot fill the memory with them. */
const mostSlow = 16;

export function createControlLoop(options: ControlLoopOptions): ControlLoop {
  const { controller, logger, metrics, backoff } = options;
  const { kind } = controller.kind;
  const name = metricName(controller.kind);
  const lifetime = newLifetime();
  const superseding = new Map<string, AbortController>();
  const running = new Set<Promise<void>>();
  let started = false;
  let slow = 0;

  const queue = createWorkQueue({
    onReady: () => pump(),
    onAgain: (key) => superseding.get(key)?.abort(),
    observer: metrics.queueObserver(name),
    ...(backoff === undefined ? {} : { backoff }),
  });

  const pump = () => {
    while (started && running.size - Math.min(slow, mostSlow * controller.concurrency) < controller.concurrency) {
      const key = queue.take();
      if (key === undefined) return;
      const stopTiming = timeSlowness();
      const run = work(key).finally(() => {
        stopTiming();
        running.delete(run);
        metrics.workers(name, running.size, controller.concurrency);
        pump();
      });
      running.add(run);
      metrics.workers(name, running.size, controller.concurrency);
    }
  };

  /** Counts a run as slow once it is; gives what to call when it ends. */
  const timeSlowness = () => {
    if (controller.slowAfterMs === undefined) return () => {};
    let isSlow = false;
    const timer = setTimeout(() => {
      isSlow = true;
      slow++;
      pump();
    }, controller.slowAfterMs);
    return () => {
      clearTimeout(timer);
      if (isSlow) slow--;
    };
  };

  const work = async (id: string) => {
    const key = parseKey(id);
    const superseded = new AbortController();
    superseding.set(id, superseded);
    const log = logger.with({
      controller: name,
      controllerKind: kind,
      name: key.name,
      namespace: key.namespace,
      reconcileID: randomUUID(),
    });
    const startedAt = performance.now();
    const context = { signal: lifetime.signal, superseded: superseded.signal, logger: log };
    try {
      const outcome = await controller.reconcile(key, context);
      finish(id, outcome, performance.now() - startedAt);
    } catch (error) {
      fail(id, error, log, performance.now() - startedAt);
    } finally {
      superseding.delete(id);
      if (options.exists(key)) metrics.objectReconciled(kind, key, performance.now() - startedAt);
    }
  };

  const finish = (id: string, { requeueAfterMs }: Outcome, ms: number) => {
    report(requeueAfterMs === undefined ? 'success' : 'requeue_after', ms);
    queue.finish(id, 'ok');
    if (requeueAfterMs !== undefined) queue.addAfter(id, requeueAfterMs);
  };

  const fail = (id: string, error: unknown, log: Logger, ms: number) => {
    if (lifetime.signal.aborted) return queue.finish(id, 'ok');
    report('error', ms);
    const final = isMillraceError(error) && error.retry === 'never';
    // A conflict is everyday life: somebody else wrote first, the next run sees it.
    const level = isMillraceError(error, 'KUBE_CONFLICT') ? 'debug' : 'error';
    const bug = error instanceof Error && !isMillraceError(error) ? { stacktrace: error.stack } : {};
    log[level](`Reconciler error: ${errorMessage(error)}`, { ...codeOf(error), ...bug });
    if (final) queue.finish(id, 'ok');
    else queue.finish(id, 'failed', isMillraceError(error) ? error.retryAfterMs : undefined);
  };

  const report = (result: ReconcileResult, ms: number) => {
    metrics.reconciled(name, result, ms);
    metrics.finishedWork(name, ms);
  };

  return {
    wake: (key, options) => queue.add(formatId(key), options),
    start() {
      started = true;
      pump();
    },
    async stop() {
      started = false;
      queue.close();
      await Promise.all(running);
    },
    abort: () => lifetime.abort(new DOMException('the process is ending', 'AbortError')),
    busy: () => queue.busy(),
  };
}

function codeOf(error: unknown): Record<string, unknown> {
  return isMillraceError(error) ? { code: error.code } : {};
}

function formatId({ namespace, name }: ObjectKey): string {
  return `${namespace}/${name}`;
}

function parseKey(id: string): ObjectKey {
  const slash = id.indexOf('/');
  return { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}
