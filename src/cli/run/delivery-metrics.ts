import { listAt, textAt, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import { HopTimes, type TimedHop } from '../../diagnose/delivery/hop-times.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Change } from '../../runtime/controller.ts';
import { createInformer } from '../../runtime/informer.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { ControllerName } from './controllers.ts';

/** Who ends a hop times it, so that several processes do not count it twice. */
const hopsOf: Partial<Record<ControllerName, readonly TimedHop[]>> = {
  'image-reflector-controller': ['scanned', 'chosen'],
  'image-automation-controller': ['committed'],
  'source-controller': ['fetched'],
  'kustomize-controller': ['applied', 'running'],
};

const workloads = ['Deployment', 'StatefulSet'].map((kind) => ({ apiVersion: 'apps/v1', kind }));
/** Only what Kustomizations have applied. */
const labelSelector = 'kustomize.toolkit.fluxcd.io/name';

export interface DeliveryMetrics {
  pushed(image: string, tag: string, atMs: number): void;
  observe(change: Change): void;
  /** Watches what else it takes, until the signal aborts. Never throws: deliveries go on without being timed. */
  watch(signal: AbortSignal): Promise<void>;
}

export interface DeliveryMetricsOptions {
  controllers: readonly ControllerName[];
  client: KubeClient;
  metrics: Metrics;
  logger: Logger;
  /** Only objects of this namespace; all when left out. */
  namespace?: string;
}

/** Times the hops of deliveries that end in the controllers of this process. */
export function createDeliveryMetrics(options: DeliveryMetricsOptions): DeliveryMetrics {
  const { controllers, client, metrics, logger, namespace } = options;
  const own = new Set(controllers.flatMap((name) => hopsOf[name] ?? []));
  const times = new HopTimes((hop, ms) => own.has(hop) && metrics.deliveryHop(hop, ms));
  const observe = (change: Change) => times.observe(change, Date.now());
  return {
    pushed: (image, tag, atMs) => times.pushed(image, tag, atMs),
    observe,
    async watch(signal) {
      if (!own.has('running')) return;
      const scope = namespace === undefined ? {} : { namespace };
      await Promise.all(
        workloads.map((kind) => {
          const informer = createInformer({ client, kind, ...scope, labelSelector, keep: rolloutOf, logger });
          informer.onChange(observe);
          return informer.run(signal);
        }),
      );
    },
  };
}

const statusFields = ['observedGeneration', 'replicas', 'updatedReplicas', 'availableReplicas'];

/** What tells whether a rollout is done; of thousands of workloads no more is kept. */
function rolloutOf({ apiVersion, kind, metadata, ...object }: KubeObject): KubeObject {
  const { name, namespace, generation, resourceVersion } = metadata;
  const containers = listAt(object, 'spec', 'template', 'spec', 'containers').map((one) => ({
    image: textAt(one, 'image'),
  }));
  const status = (field: string) => valueAt(object, 'status', field);
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, generation, resourceVersion },
    spec: { replicas: valueAt(object, 'spec', 'replicas'), template: { spec: { containers } } },
    status: Object.fromEntries(statusFields.map((field) => [field, status(field)])),
  } as KubeObject;
}
