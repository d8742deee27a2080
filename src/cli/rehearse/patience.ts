import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import { isRolledOut, isSuspended, readyOf } from './state.ts';

/** How long the same complaint has to last before nobody waits for its object any more, in milliseconds. */
const patienceMs = 5_000;

/** Remembers since when objects have been complaining: a first failure often passes with the next attempt. */
export class Patience {
  readonly #since = new Map<string, number>();
  #now = 0;

  /** Takes one look at the objects, at `now` in milliseconds. */
  look(objects: readonly KubeObject[], now: number): void {
    // Whoever waits for another object is given its time anew for as long as any of the others may still come right.
    const isOpen = objects.some((object) => !isWaiting(object) && this.#isOpen(object));
    this.#now = now;
    for (const object of objects) {
      const key = formatRef(object);
      const status = readyOf(object)?.status;
      if (status === 'True') this.#since.delete(key);
      else if (status === 'False' && !this.#since.has(key)) this.#since.set(key, now);
    }
    if (isOpen) for (const object of objects.filter(isWaiting)) this.#since.set(formatRef(object), now);
  }

  /** The same for workloads, which say nothing of themselves: from when they were first seen not to be rolled out. */
  lookAtWorkloads(workloads: readonly KubeObject[], now: number): void {
    this.#now = now;
    for (const workload of workloads) {
      const key = `${formatRef(workload)}@${workload.metadata.generation}`;
      if (!isRolledOut(workload) && !this.#since.has(key)) this.#since.set(key, now);
    }
  }

  isOver(object: KubeObject): boolean {
    return this.#over(formatRef(object));
  }

  isOverForWorkload(workload: KubeObject): boolean {
    return this.#over(`${formatRef(workload)}@${workload.metadata.generation}`);
  }

  #isOpen(object: KubeObject): boolean {
    return !isSuspended(object) && readyOf(object)?.status !== 'True' && !this.isOver(object);
  }

  #over(key: string): boolean {
    const since = this.#since.get(key);
    return since !== undefined && this.#now - since >= patienceMs;
  }
}

function isWaiting(object: KubeObject): boolean {
  return readyOf(object)?.reason === 'DependencyNotReady';
}
