import { type BackoffOptions, backoffDelayMs } from '../base/retry.ts';

export interface WorkQueueOptions {
  /** Delay after the n-th failure of a key in a row. Default 750 ms doubling up to 15 min, as Flux. */
  backoff?: BackoffOptions;
  /** Called when there may be something to take. */
  onReady(): void;
  /** Called when a key is added while it is in work: what it is working on may be out of date. */
  onAgain?(key: string): void;
  observer?: WorkQueueObserver;
}

/** What metrics are made of; durations in milliseconds. */
export interface WorkQueueObserver {
  added(): void;
  retried(): void;
  taken(waitedMs: number): void;
  depth(length: number): void;
}

/**
 * Keys to work on. A key is in the queue once however often it is added, is never handed out while it is being worked on,
 * and comes back if it was added meanwhile. An appointment for later gives way to a new one, and to being worked on.
 */
export interface WorkQueue {
  /** `urgent` goes before everything that is not: a person waits for it. */
  add(key: string, options?: { urgent?: boolean }): void;
  /** Makes the appointment of a key, in place of an earlier one. */
  addAfter(key: string, ms: number): void;
  /** The next key, now in work; undefined when none waits. */
  take(): string | undefined;
  /** Ends the work on a key. `failed` makes an appointment by backoff, not before `notBeforeMs`. */
  finish(key: string, result: 'ok' | 'failed', notBeforeMs?: number): void;
  /** Keys that wait or are in work now; appointments do not count. */
  busy(): number;
  /** Drops everything that waits. */
  close(): void;
}

interface Waiting {
  key: string;
  since: number;
}

interface KeyState {
  stage: 'idle' | 'waiting' | 'working';
  urgent: boolean;
  /** Added while in work. */
  again: boolean;
  failures: number;
  appointment: NodeJS.Timeout | undefined;
}

const fluxBackoff: BackoffOptions = { firstDelayMs: 750, maxDelayMs: 15 * 60_000 };

export function createWorkQueue({ backoff = fluxBackoff, onReady, onAgain, observer }: WorkQueueOptions): WorkQueue {
  const states = new Map<string, KeyState>();
  const urgent: Fifo<Waiting> = newFifo();
  const normal: Fifo<Waiting> = newFifo();
  let waiting = 0;
  let working = 0;
  let closed = false;

  const stateOf = (key: string): KeyState => {
    let state = states.get(key);
    if (state === undefined) {
      state = { stage: 'idle', urgent: false, again: false, failures: 0, appointment: undefined };
      states.set(key, state);
    }
    return state;
  };
  const forgetIfIdle = (key: string, state: KeyState) => {
    if (state.stage === 'idle' && state.failures === 0 && state.appointment === undefined) states.delete(key);
  };
  const cancelAppointment = (state: KeyState) => {
    clearTimeout(state.appointment);
    state.appointment = undefined;
  };
  const enqueue = (key: string, state: KeyState) => {
    state.stage = 'waiting';
    waiting++;
    (state.urgent ? urgent : normal).push({ key, since: performance.now() });
    observer?.depth(waiting);
    onReady();
  };

  const add = (key: string, options: { urgent?: boolean } = {}) => {
    if (closed) return;
    const state = stateOf(key);
    const becomesUrgent = options.urgent === true && !state.urgent;
    state.urgent ||= options.urgent === true;
    observer?.added();
    if (state.stage === 'working') {
      state.again = true;
      onAgain?.(key);
    } else if (state.stage === 'idle') enqueue(key, state);
    // Its place among the others is left behind; `take` passes over it.
    else if (becomesUrgent) urgent.push({ key, since: performance.now() });
  };
  const addAfter = (key: string, ms: number) => {
    if (closed) return;
    const state = stateOf(key);
    cancelAppointment(state);
    state.appointment = setTimeout(
      () => {
        state.appointment = undefined;
        add(key);
      },
      Math.min(ms, 2 ** 31 - 1),
    );
  };

  return {
    add,
    addAfter,
    take() {
      for (let next = urgent.shift() ?? normal.shift(); next !== undefined; next = urgent.shift() ?? normal.shift()) {
        const state = states.get(next.key);
        if (state?.stage !== 'waiting') continue;
        state.stage = 'working';
        state.urgent = false;
        cancelAppointment(state);
        waiting--;
        working++;
        observer?.depth(waiting);
        observer?.taken(performance.now() - next.since);
        return next.key;
      }
      return undefined;
    },
    finish(key, result, notBeforeMs = 0) {
      const state = states.get(key);
      if (state?.stage !== 'working') throw new Error(`work queue: '${key}' is not in work`);
      state.stage = 'idle';
      working--;
      state.failures = result === 'ok' ? 0 : state.failures + 1;
      if (closed) return;
      if (state.again) {
        state.again = false;
        cancelAppointment(state);
        enqueue(key, state);
      } else if (result === 'failed') {
        observer?.retried();
        addAfter(key, Math.max(notBeforeMs, backoffDelayMs(state.failures, backoff)));
      } else {
        forgetIfIdle(key, state);
        onReady();
      }
    },
    busy: () => waiting + working,
    close() {
      closed = true;
      for (const state of states.values()) cancelAppointment(state);
      urgent.clear();
      normal.clear();
      waiting = 0;
    },
  };
}

interface Fifo<T> {
  push(item: T): void;
  shift(): T | undefined;
  clear(): void;
}

/** A list that gives up its front in constant time, which an array of thousands does not. */
function newFifo<T>(): Fifo<T> {
  let items: T[] = [];
  let start = 0;
  return {
    push: (item) => void items.push(item),
    shift() {
      const item = items[start];
      if (item === undefined) return undefined;
      start++;
      if (start > 1024 && start * 2 > items.length) {
        items = items.slice(start);
        start = 0;
      }
      return item;
    },
    clear() {
      items = [];
      start = 0;
    },
  };
}
