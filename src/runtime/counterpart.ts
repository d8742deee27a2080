import { type Clock, systemClock } from '../base/clock.ts';
import { isMillraceError, MillraceError } from '../base/error.ts';
import { formatRef, type KubeObject } from '../base/kube-object.ts';
import type { Logger } from '../base/logger.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Lease } from './leader-election.ts';

export interface CounterpartOptions {
  client: KubeClient;
  /** Names of the controllers that are about to start, as Flux's Deployments are named. */
  controllers: readonly string[];
  logger: Logger;
  signal: AbortSignal;
  clock?: Clock;
}

/**
 * Throws FLUX_IS_ALIVE when Flux runs one of the controllers in this cluster: two of a kind undo each other's work. Alive is
 * a Deployment of Flux with replicas that are there, or a leader's Lease that was renewed within its term.
 */
export async function refuseLiveCounterparts(options: CounterpartOptions): Promise<void> {
  const { controllers, logger } = options;
  const alive = [...(await liveDeployments(options)), ...(await liveLeases(options))];
  const first = alive[0];
  if (first === undefined) {
    logger.debug('no counterpart of Flux is alive', { controllers });
    return;
  }
  const names = alive.map(formatRef).join(', ');
  throw new MillraceError('FLUX_IS_ALIVE', `Flux already runs ${first.metadata.name}: ${names}`, {
    hint: `Scale it to zero first (kubectl -n ${first.metadata.namespace} scale deploy/${first.metadata.name.replace(/-leader-election$/, '')} --replicas=0), leave it out with --controllers, or start with --take-over.`,
    retry: 'never',
  });
}

async function liveDeployments({ client, controllers, signal, logger }: CounterpartOptions): Promise<KubeObject[]> {
  const kind = { apiVersion: 'apps/v1', kind: 'Deployment' };
  const items = await listAllowed(client, kind, { labelSelector: 'app.kubernetes.io/part-of=flux', signal }, logger);
  return items.filter((object) => {
    const { readyReplicas = 0 } = (object['status'] ?? {}) as { readyReplicas?: number };
    return controllers.includes(object.metadata.name) && readyReplicas > 0;
  });
}

async function liveLeases({
  client,
  controllers,
  signal,
  logger,
  clock = systemClock,
}: CounterpartOptions): Promise<KubeObject[]> {
  const kind = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
  const names = controllers.map((name) => `${name}-leader-election`);
  const items: Lease[] = await listAllowed(client, kind, { signal }, logger);
  return items.filter(({ metadata, spec }) => {
    if (!names.includes(metadata.name) || !spec?.holderIdentity) return false;
    const renewedAt = Date.parse(spec.renewTime ?? '');
    return clock.now() - renewedAt < (spec.leaseDurationSeconds ?? 0) * 1000;
  });
}

/** A user that may not look cannot be kept from starting: that is said, and the start goes on. */
async function listAllowed(
  client: KubeClient,
  kind: { apiVersion: string; kind: string },
  options: { labelSelector?: string; signal: AbortSignal },
  logger: Logger,
): Promise<KubeObject[]> {
  try {
    return (await client.list(kind, options)).items;
  } catch (error) {
    if (!isMillraceError(error, 'KUBE_FORBIDDEN', 'KUBE_KIND_NOT_SERVED')) throw error;
    logger.warn(`cannot check whether Flux is alive: ${error.message}`);
    return [];
  }
}
