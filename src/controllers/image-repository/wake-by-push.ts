import { ImageRepository } from '../../api/image-repository.ts';
import { kindRef } from '../../api/kind.ts';
import { parseEcrHost } from '../../aws/ecr-host.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { formatKey, keyOf } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import type { KubeClient } from '../../kube/client.ts';
import { parseImageName, type Repository } from '../../oci/reference.ts';
import { requestedAtAnnotation } from '../../runtime/request.ts';
import { refOf } from '../../runtime/status-patch.ts';

/** Something was pushed to a registry: by ECR's account and region, or by the registry's host name. */
export type Pushed = {
  repository: string;
  tag?: string;
  /** When, in milliseconds since the epoch; 0 or absent where the sender does not say. */
  time?: number;
} & ({ account: string; region: string } | { host: string });

export interface PushWakerOptions {
  client: KubeClient;
  logger: Logger;
  clock?: Clock;
  /** Pushes of one repository closer together than this share a scan, in milliseconds. Default 200: a scan is cheap, and people wait for it. */
  debounceMs?: number;
  signal: AbortSignal;
}

/** Has the ImageRepositories of a pushed image scanned now, by the annotation that `flux reconcile` sets as well. */
export interface PushWaker {
  /** The first push of a burst counts at once, the others together when the burst is over. */
  pushed(push: Pushed): Promise<void>;
}

export function createPushWaker(options: PushWakerOptions): PushWaker {
  const { client, logger, clock = systemClock, debounceMs = 200, signal } = options;
  const resting = new Map<string, { again: boolean }>();

  const wake = async (push: Pushed) => {
    const { items } = await client.list<ImageRepository>(kindRef(ImageRepository), { signal });
    const concerned = items.filter((object) => object.spec.suspend !== true && concerns(push, object));
    const value = new Date(clock.now()).toISOString();
    for (const object of concerned) {
      const metadata = { annotations: { [requestedAtAnnotation]: value } };
      await client.patch(refOf(object), 'merge', { metadata }, { signal, fieldManager: 'image-reflector-controller' });
    }
    const names = concerned.map((object) => formatKey(keyOf(object)));
    logger.info(`push of ${push.repository}${push.tag ? `:${push.tag}` : ''}`, { wakes: names });
  };

  const pushed = async (push: Pushed): Promise<void> => {
    const place = 'host' in push ? [push.host] : [push.account, push.region];
    const id = [...place, push.repository].join(' ');
    const rest = resting.get(id);
    if (rest !== undefined) {
      rest.again = true;
      return;
    }
    const own = { again: false };
    resting.set(id, own);
    const end = () => {
      clearTimeout(timer);
      resting.delete(id);
      signal.removeEventListener('abort', end);
    };
    const timer = setTimeout(() => {
      end();
      if (own.again)
        pushed(push).catch((error: unknown) => logger.warn(`a push could not wake its scan: ${String(error)}`));
    }, debounceMs);
    signal.addEventListener('abort', end, { once: true });
    try {
      await wake(push);
    } catch (error) {
      end();
      throw error;
    }
  };
  return { pushed };
}

function concerns(push: Pushed, { spec }: ImageRepository): boolean {
  let repository: Repository;
  try {
    repository = parseImageName(spec.image);
  } catch {
    return false;
  }
  if (repository.name !== push.repository) return false;
  if ('host' in push) return repository.host === push.host;
  const ecr = parseEcrHost(repository.host);
  return ecr !== undefined && ecr.account === push.account && ecr.region === push.region;
}
