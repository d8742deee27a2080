/** No more than so many states of one sort are kept. */
const most = 500;

/** Sets a state and makes it the newest; the oldest are forgotten where there are too many. */
export function keepNewest<T>(states: Map<string, T>, id: string, state: T): void {
  states.delete(id);
  states.set(id, state);
  for (const oldest of states.keys()) {
    if (states.size <= most) return;
    states.delete(oldest);
  }
}
