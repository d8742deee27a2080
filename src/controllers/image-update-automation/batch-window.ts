import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import { formatKey } from '../../base/kube-object.ts';
import { openRequest } from '../../runtime/request.ts';
import { Fault } from '../image/fault.ts';
import type { ImageRun } from '../image/run.ts';
import { batchWindowMs } from './annotations.ts';
import { type PolicyScope, sameObservation } from './policies.ts';

type Run = ImageRun<ImageUpdateAutomation>;

/** Lets images that are chosen shortly after each other become one commit, where the automation asks for it. */
export interface Batches {
  /** How long to wait for further images, in milliseconds; 0 to go on. A request by hand does not wait. */
  waitMs(run: Run, policies: PolicyScope): number;
  done(run: Run): void;
}

export function createBatches(): Batches {
  const openedAt = new Map<string, number>();
  return {
    waitMs(run, policies) {
      const id = formatKey(run.key);
      const windowMs = readWindow(run.object);
      const isFirst = run.status.observedPolicies === undefined;
      const isCurrent = sameObservation(policies.observed, run.status.observedPolicies);
      if (windowMs === 0 || isFirst || isCurrent || openRequest(run.object) !== undefined) return 0;
      const now = run.clock.now();
      const opened = openedAt.get(id) ?? now;
      openedAt.set(id, opened);
      return Math.max(0, opened + windowMs - now);
    },
    done: ({ key }) => void openedAt.delete(formatKey(key)),
  };
}

function readWindow(object: ImageUpdateAutomation): number {
  try {
    return batchWindowMs(object);
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause;
    throw new Fault('Failed', errorMessage(cause), { stalled: true, cause });
  }
}
