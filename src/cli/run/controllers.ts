import type { Logger } from '../../base/logger.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeConfig } from '../../kube/config.ts';
import type { Controller } from '../../runtime/controller.ts';
import type { EventRecorder } from '../../runtime/events.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { RunOptions } from './options.ts';

/** The controllers by the names of Flux's Deployments, in the order of a delivery. */
export const controllerNames = [
  'source-controller',
  'kustomize-controller',
  'image-reflector-controller',
  'image-automation-controller',
] as const;

export type ControllerName = (typeof controllerNames)[number];

/** What the controllers are made from. */
export interface ControllerDeps {
  client: KubeClient;
  config: KubeConfig;
  options: RunOptions;
  /** Namespace of the installation. */
  namespace: string;
  env: Readonly<Record<string, string | undefined>>;
  logger: Logger;
  metrics: Metrics;
  events(component: ControllerName): EventRecorder;
  /** Aborts when the process is about to end: background work besides reconciling stops. */
  signal: AbortSignal;
}

/** Controllers with what they keep open between them. */
export interface ControllerSet {
  controllers: Controller[];
  /** Addresses they serve on, for the log: `storage` for instance. */
  addresses: Record<string, string>;
  close(): Promise<void>;
}

/** Builds the controllers that were asked for, and only loads their code. */
export async function assembleControllers(
  _names: readonly ControllerName[],
  _deps: ControllerDeps,
): Promise<ControllerSet> {
  return { controllers: [], addresses: {}, close: async () => {} };
}
