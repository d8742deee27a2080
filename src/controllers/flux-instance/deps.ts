import type { Registry } from 'prom-client';
import type { Clock } from '../../base/clock.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../runtime/events.ts';

export interface FluxInstanceDeps {
  client: KubeClient;
  events: EventRecorder;
  /** Image of the controllers; `<registry>/millrace:<version>` of the instance where left out. */
  image?: string;
  /** Version of this program, for the image and the report. */
  version: string;
  /** How often reports are made anew, in milliseconds. Default 5 minutes. */
  reportIntervalMs?: number;
  /** Where the gauges of the report are exported. */
  registry?: Registry;
  clock?: Clock;
}

/** Field manager, event source and controller name: those of the Flux Operator, so that one can take over from the other. */
export const operatorName = 'flux-operator';
export const instanceName = 'flux';
export const operatorFinalizer = 'fluxcd.controlplane.io/finalizer';
