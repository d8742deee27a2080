import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { KindRef, ObjectKey } from '../base/kube-object.ts';
import type { ObjectCache } from './controller.ts';
import { createResourceInfo } from './resource-info.ts';
import type { WorkQueueObserver } from './work-queue.ts';

export type ReconcileResult = 'success' | 'requeue_after' | 'error';

/** The metrics of a process, under the names that Flux's dashboards use (spec/source.md §2.7). */
export interface Metrics {
  registry: Registry;
  reconciled(controller: string, result: ReconcileResult, ms: number): void;
  /** `gotk_reconcile_duration_seconds` of one object. */
  objectReconciled(kind: string, key: ObjectKey, ms: number): void;
  /** Drops the series of an object that is gone. */
  objectGone(kind: string, key: ObjectKey): void;
  workers(controller: string, active: number, most: number): void;
  queueObserver(controller: string): WorkQueueObserver;
  finishedWork(controller: string, ms: number): void;
  /** One answer of the API server. */
  apiRequest(method: string, code: string, host: string): void;
  leading(name: string, isLeader: boolean): void;
  /** What a cache of cloud tokens does. */
  tokenCache(event: TokenCacheEvent): void;
  /** Exports `gotk_resource_info` of these objects, as they are when somebody scrapes. */
  resources(kind: KindRef, cache: ObjectCache): void;
  /** Length of a hop of a delivery, in milliseconds. */
  deliveryHop(hop: string, ms: number): void;
  /** What became of a message to a Provider. */
  notification(outcome: 'sent' | 'failed' | 'dropped'): void;
}

/** A use of a cache, the end of a load, or a change of how much is in it. */
export type TokenCacheEvent = 'hit' | 'miss' | 'loaded' | 'failed' | 'added' | 'removed' | 'eviction';

/** Ten buckets that grow evenly in ratio from 10 ms to 30 min. */
const durationBuckets = Array.from({ length: 10 }, (_, i) => 0.01 * (1800 / 0.01) ** (i / 9));
const runBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** From what events bring about at once to an interval of polling that is long. */
const hopBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];
const queueBuckets = [1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: L[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });

  const objectSeconds = histogram(
    'gotk_reconcile_duration_seconds',
    'The duration in seconds of a reconciliation of one object.',
    ['kind', 'name', 'namespace'],
    durationBuckets,
  );
  const runs = counter('controller_runtime_reconcile_total', 'Reconciliations by result.', ['controller', 'result']);
  const errors = counter('controller_runtime_reconcile_errors_total', 'Failed reconciliations.', ['controller']);
  const seconds = histogram(
    'controller_runtime_reconcile_time_seconds',
    'Length of a reconciliation.',
    ['controller'],
    runBuckets,
  );
  const most = gauge('controller_runtime_max_concurrent_reconciles', 'Workers of a controller.', ['controller']);
  const active = gauge('controller_runtime_active_workers', 'Workers in use.', ['controller']);
  const depth = gauge('workqueue_depth', 'Objects that wait for a worker.', ['name', 'controller']);
  const adds = counter('workqueue_adds_total', 'Additions to the queue.', ['name', 'controller']);
  const retries = counter('workqueue_retries_total', 'Retries after a failure.', ['name', 'controller']);
  const queued = histogram(
    'workqueue_queue_duration_seconds',
    'Time in the queue.',
    ['name', 'controller'],
    queueBuckets,
  );
  const worked = histogram(
    'workqueue_work_duration_seconds',
    'Time at work on an object.',
    ['name', 'controller'],
    queueBuckets,
  );
  const requests = counter('rest_client_requests_total', 'Requests to the API server.', ['code', 'host', 'method']);
  const leader = gauge('leader_election_master_status', '1 while this process leads.', ['name']);
  const tokenEvents = counter('gotk_token_cache_events_total', 'Uses of the token cache.', ['event_type']);
  const tokenEvictions = counter(
    'gotk_token_cache_evictions_total',
    'Tokens that left the cache for want of room.',
    [],
  );
  const tokenRequests = counter('gotk_token_cache_requests_total', 'Requests for a token by their success.', [
    'status',
  ]);
  const tokens = gauge('gotk_token_cached_items', 'Tokens in the cache.', []);
  const hops = histogram(
    'millrace_delivery_hop_duration_seconds',
    'Time from the hop before to this one: scanned, chosen, committed, fetched, applied, running.',
    ['hop'],
    hopBuckets,
  );
  const notifications = counter('millrace_notifications_total', 'Messages to Providers of Alerts by outcome.', [
    'outcome',
  ]);
  const resources = createResourceInfo('gotk_resource_info', registry);
  addProcessGauges(registry);

  return {
    registry,
    reconciled(controller, result, ms) {
      runs.inc({ controller, result });
      if (result === 'error') errors.inc({ controller });
      seconds.observe({ controller }, ms / 1000);
    },
    objectReconciled: (kind, { name, namespace }, ms) => objectSeconds.observe({ kind, name, namespace }, ms / 1000),
    objectGone: (kind, { name, namespace }) => objectSeconds.remove({ kind, name, namespace }),
    workers(controller, inUse, limit) {
      active.set({ controller }, inUse);
      most.set({ controller }, limit);
    },
    queueObserver(controller) {
      const labels = { name: controller, controller };
      return {
        added: () => adds.inc(labels),
        retried: () => retries.inc(labels),
        taken: (ms) => queued.observe(labels, ms / 1000),
        depth: (length) => depth.set(labels, length),
      };
    },
    finishedWork: (controller, ms) => worked.observe({ name: controller, controller }, ms / 1000),
    apiRequest: (method, code, host) => requests.inc({ method, code, host }),
    tokenCache(event) {
      if (event === 'hit' || event === 'miss') tokenEvents.inc({ event_type: `cache_${event}` });
      if (event === 'hit' || event === 'loaded') tokenRequests.inc({ status: 'success' });
      if (event === 'failed') tokenRequests.inc({ status: 'failure' });
      if (event === 'eviction') tokenEvictions.inc();
      if (event === 'added') tokens.inc();
      if (event === 'removed') tokens.dec();
    },
    resources: (kind, cache) => resources.add(kind, () => cache.list()),
    deliveryHop: (hop, ms) => hops.observe({ hop }, ms / 1000),
    notification: (outcome) => notifications.inc({ outcome }),
    leading: (name, isLeader) => leader.set({ name }, isLeader ? 1 : 0),
  };
}

/** Read when somebody scrapes; prom-client's own collection wakes the process a hundred times a second. */
function addProcessGauges(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'process_cpu_seconds_total',
    help: 'User and system time spent.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.set((user + system) / 1e6);
    },
  });
  new Gauge({ name: 'process_start_time_seconds', help: 'When the process started.', registers }).set(
    Math.round(Date.now() / 1000 - process.uptime()),
  );
}

/** The name of a controller in metrics, as controller-runtime has it: the kind in lower case. */
export function metricName({ kind }: KindRef): string {
  return kind.toLowerCase();
}
