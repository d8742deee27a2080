import type { Logger } from '../../base/logger.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeConfig } from '../../kube/config.ts';
import type { Controller } from '../../runtime/controller.ts';
import type { EventRecorder } from '../../runtime/events.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { RunOptions } from './options.ts';
import { createShared, type SharedParts } from './shared.ts';

/** The controllers by the names of Flux's Deployments, in the order of a delivery. */
export const controllerNames = [
  'source-controller',
  'kustomize-controller',
  'image-reflector-controller',
  'image-automation-controller',
] as const;

/** What `*` leaves out: it installs the others, so it runs where it is asked to. */
export const operatorName = 'flux-operator';

export type ControllerName = (typeof controllerNames)[number] | typeof operatorName;

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
  /** A registry told of a push of `image:tag`, at a time in milliseconds since the epoch: a delivery begins. */
  pushed(image: string, tag: string, atMs: number): void;
  /** Aborts when the process is about to end: background work besides reconciling stops. */
  signal: AbortSignal;
}

/** The controllers of one name with what they keep open between them. */
export interface ControllerPart {
  controllers: Controller[];
  /** Addresses they serve on, for the log: `storage` for instance. */
  addresses?: Record<string, string>;
  close?(): Promise<void>;
}

export type Assemble = (deps: ControllerDeps, shared: SharedParts) => Promise<ControllerPart>;

/** Loads the code of one name; only those that were asked for are. */
const assemblers: Record<ControllerName, () => Promise<Assemble>> = {
  'source-controller': async () => (await import('./source-controller.ts')).assembleSourceController,
  'kustomize-controller': async () => (await import('./kustomize-controller.ts')).assembleKustomize,
  'image-reflector-controller': async () => (await import('./image-reflector-controller.ts')).assembleImageReflector,
  'image-automation-controller': async () => (await import('./image-automation-controller.ts')).assembleImageAutomation,
  [operatorName]: async () => (await import('./flux-operator.ts')).assembleOperator,
};

export interface ControllerSet {
  controllers: Controller[];
  addresses: Record<string, string>;
  close(): Promise<void>;
}

/** Builds the controllers that were asked for; what one opened before another failed is closed again. */
export async function assembleControllers(
  names: readonly ControllerName[],
  deps: ControllerDeps,
): Promise<ControllerSet> {
  const shared = await createShared(deps);
  const parts: ControllerPart[] = [];
  const close = async () => {
    for (const part of parts.reverse()) await part.close?.();
  };
  try {
    // In the order of a delivery, whatever the order on the command line.
    for (const name of [...controllerNames, operatorName as ControllerName].filter((known) => names.includes(known))) {
      const assemble = await assemblers[name]();
      parts.push(await assemble(deps, shared));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    controllers: parts.flatMap(({ controllers }) => controllers),
    addresses: Object.assign({}, ...parts.map(({ addresses }) => addresses)),
    close,
  };
}
