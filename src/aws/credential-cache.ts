import { type Clock, systemClock } from '../base/clock.ts';
import { awaitShared, withDeadline } from '../base/deadline.ts';

/** A use (`hit`, `miss`), the end of a load (`loaded`, `failed`), and how many values there are. */
export type CacheEvent = 'hit' | 'miss' | 'loaded' | 'failed' | 'added' | 'removed' | 'eviction';

export interface CredentialCacheOptions {
  /** Least recently used entries go first beyond this; 0 switches the cache off. Default 100. */
  maxSize?: number;
  /** Nothing is kept longer, in milliseconds. Default and maximum one hour (spec/image.md §3.9). */
  maxDurationMs?: number;
  clock?: Clock;
  observe?: (event: CacheEvent) => void;
}

/** A secret and when it ends. */
export interface Expiring<T> {
  value: T;
  /** Milliseconds since the epoch; absent: only the cache's own maximum counts. */
  expiresAt?: number;
}

export interface CredentialCache<T> {
  /**
   * The cached value of `key`, or what `load` gives. Callers that ask at the same time share one load. A value is used
   * for 80 % of its life, and a use in the last tenth of that time fetches the next one in the background.
   */
  get(key: string, load: (signal: AbortSignal) => Promise<Expiring<T>>, signal: AbortSignal): Promise<T>;
  /** Forgets one value, because a service refused it. */
  drop(key: string): void;
  size(): number;
}

const hourMs = 3_600_000;
/** A load that several callers wait for outlives each of them, but not this time, in milliseconds. */
const loadTimeoutMs = 30_000;

interface Entry<T> {
  value: T;
  refreshAt: number;
  usableUntil: number;
}

export function createCredentialCache<T>(options: CredentialCacheOptions = {}): CredentialCache<T> {
  const { maxSize = 100, clock = systemClock, observe = () => {} } = options;
  const maxDurationMs = Math.min(options.maxDurationMs ?? hourMs, hourMs);
  // A Map keeps insertion order, so the first key is the least recently used one.
  const entries = new Map<string, Entry<T>>();
  const loads = new Map<string, Promise<T>>();

  const keep = (key: string, { value, expiresAt }: Expiring<T>) => {
    const now = clock.now();
    const lifeMs = expiresAt === undefined ? maxDurationMs : 0.8 * (expiresAt - now);
    const usableMs = Math.min(maxDurationMs, lifeMs);
    if (maxSize === 0 || usableMs <= 0) return;
    remove(key);
    entries.set(key, { value, refreshAt: now + 0.9 * usableMs, usableUntil: now + usableMs });
    observe('added');
    for (const oldest of entries.keys()) {
      if (entries.size <= maxSize) break;
      remove(oldest);
      observe('eviction');
    }
  };
  const remove = (key: string) => {
    if (entries.delete(key)) observe('removed');
  };

  const loadOnce = (key: string, load: (signal: AbortSignal) => Promise<Expiring<T>>): Promise<T> => {
    const running = loads.get(key);
    if (running !== undefined) return running;
    const unending = new AbortController().signal;
    const started = withDeadline(unending, loadTimeoutMs, 'fetching credentials', load)
      .then((loaded) => {
        observe('loaded');
        keep(key, loaded);
        return loaded.value;
      })
      .catch((error: unknown) => {
        observe('failed');
        throw error;
      })
      .finally(() => loads.delete(key));
    loads.set(key, started);
    return started;
  };

  return {
    async get(key, load, signal) {
      const entry = entries.get(key);
      const now = clock.now();
      if (entry === undefined || now >= entry.usableUntil) {
        observe('miss');
        remove(key);
        return awaitShared(loadOnce(key, load), signal);
      }
      observe('hit');
      entries.delete(key);
      entries.set(key, entry);
      // A failed refresh is no failure yet: the next use tries again, until the value ends.
      if (now >= entry.refreshAt) loadOnce(key, load).catch(() => {});
      return entry.value;
    },
    drop: remove,
    size: () => entries.size,
  };
}
