import { setMaxListeners } from 'node:events';
import { MillraceError } from './error.ts';

/** A timer for longer would ring at once (24 days). */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Runs `work` with a signal that aborts when `parent` does or after `ms` milliseconds. The child is detached from its
 * parent in every case, so that calls under a process-lifetime signal hold no memory.
 * Throws DEADLINE_EXCEEDED when the time is up, and the parent's abort reason when the parent aborted.
 */
export async function withDeadline<T>(
  parent: AbortSignal,
  ms: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  parent.throwIfAborted();
  const child = new AbortController();
  const onParentAbort = () => child.abort(parent.reason);
  parent.addEventListener('abort', onParentAbort, { once: true });
  const timer = setTimeout(
    () => {
      child.abort(new MillraceError('DEADLINE_EXCEEDED', `${what} did not finish within ${ms} ms`));
    },
    Math.min(ms, longestTimerMs),
  );
  try {
    return await work(child.signal);
  } catch (error) {
    // Whatever the aborted work threw, the reason of the abort is what happened.
    if (child.signal.aborted && isAbortError(error)) throw child.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
    parent.removeEventListener('abort', onParentAbort);
  }
}

/**
 * Waits for work that others wait for as well, and that therefore goes on when this caller gives up: rejects with the abort
 * reason as soon as `signal` aborts.
 */
export function awaitShared<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** A controller whose signal thousands of calls may listen to at once, such as that of a process or a server. */
export function newLifetime(): AbortController {
  const lifetime = new AbortController();
  // Node warns of more than ten listeners, which here are no leak.
  setMaxListeners(0, lifetime.signal);
  return lifetime;
}

/** True for the errors that aborting a signal produces (`AbortError` by name or by Node's code). */
export function isAbortError(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ABORT_ERR')
  );
}

/** Waits `ms` milliseconds; rejects with the abort reason as soon as `signal` aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
