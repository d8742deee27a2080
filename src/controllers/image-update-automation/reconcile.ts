import { rm } from 'node:fs/promises';
import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { formatTime } from '../../base/clock.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import { openRequest } from '../../runtime/request.ts';
import { formatRevision } from '../git-repository/git-revision.ts';
import type { ImageResult, ImageRun } from '../image/run.ts';
import { createBatches } from './batch-window.ts';
import { cloneDir, type Delivery, deliver, resolveCheckout } from './deliver.ts';
import type { ImageUpdateAutomationDeps } from './deps.ts';
import { createKeyedLock } from './keyed-lock.ts';
import { loadPolicies, type PolicyScope, sameObservation } from './policies.ts';
import { showFindings } from './show-findings.ts';
import { planSource, type SourcePlan } from './source.ts';
import { wakeSource } from './wake-source.ts';

type Run = ImageRun<ImageUpdateAutomation>;

const upToDate = 'repository up-to-date';

export interface Automation {
  work(run: Run): Promise<ImageResult>;
  forget(key: ObjectKey): Promise<void>;
}

/** The work of one ImageUpdateAutomation (spec/image.md §6.4). */
export function createAutomation(deps: ImageUpdateAutomationDeps): Automation {
  const branches = createKeyedLock();
  const batches = createBatches();

  const work = async (run: Run): Promise<ImageResult> => {
    const { object, signal, clock } = run;
    run.status.lastAutomationRunTime = formatTime(clock.now());
    const requeueAfterMs = parseDuration(object.spec.interval, 'spec.interval');
    const { client, noCrossNamespaceRefs } = deps;
    const policies = await loadPolicies(object, { client, noCrossNamespaceRefs, signal });
    const waitMs = batches.waitMs(run, policies);
    if (waitMs > 0) return { ready: upToDate, requeueAfterMs: waitMs, isNews: false, trace: waitText(waitMs) };
    const plan = await planSource(object, {
      client,
      ...(deps.providers !== undefined && { providers: deps.providers }),
      noCrossNamespaceRefs,
      objectLevelWorkloadIdentity: deps.gates.objectLevelWorkloadIdentity,
      signal,
    });
    // One at a time on a branch: those that would lose the race wait for their turn instead.
    const branch = `${plan.remote.url} ${plan.pushBranch}`;
    return branches.run(branch, signal, async () => {
      const wanted = await resolveCheckout(plan, deps, signal);
      const revision = formatRevision(wanted.name, wanted.commit);
      if (!needsFullSync(object, policies, plan) && revision === run.status.observedSourceRevision) {
        const trace = 'no change since last reconciliation';
        return { ready: upToDate, requeueAfterMs, isNews: false, trace };
      }
      const { key, logger } = run;
      const delivery = await deliver({ automation: object, key, plan, wanted, policies, signal, clock, logger }, deps);
      return finish(run, { plan, policies, delivery, checkedOut: wanted, requeueAfterMs });
    });
  };

  const finish = async (
    run: Run,
    { plan, policies, delivery, checkedOut, requeueAfterMs }: Finish,
  ): Promise<ImageResult> => {
    const { pushed } = delivery;
    const observed = pushed !== undefined && !plan.switchesBranch ? pushed.commit : checkedOut.commit;
    Object.assign(run.status, {
      observedPolicies: policies.observed,
      observedSourceRevision: formatRevision(checkedOut.name, plan.switchesBranch ? checkedOut.commit : observed),
    });
    batches.done(run);
    showFindings(run, deps.events, { findings: delivery.findings, skipped: policies.skipped });
    if (pushed === undefined) return { ready: upToDate, requeueAfterMs, isNews: false };
    Object.assign(run.status, { lastPushCommit: pushed.commit, lastPushTime: formatTime(run.clock.now()) });
    const summary = formatPush(plan, pushed);
    run.logger.info(summary, { revision: pushed.commit });
    await wakeSource(plan, run, deps);
    return { ready: upToDate, requeueAfterMs, isNews: true, event: `${summary}\n${pushed.message}` };
  };

  return { work, forget: (key) => rm(cloneDir(deps, key), { recursive: true, force: true }) };
}

interface Finish {
  plan: SourcePlan;
  policies: PolicyScope;
  delivery: Delivery;
  checkedOut: { name: string | undefined; commit: string };
  requeueAfterMs: number;
}

/** Otherwise it is enough to ask the remote whether the branch has moved (spec/image.md §6.4 steps 4 to 7). */
function needsFullSync(object: ImageUpdateAutomation, policies: PolicyScope, plan: SourcePlan): boolean {
  const { status } = object;
  return (
    status?.observedGeneration !== object.metadata.generation ||
    openRequest(object) !== undefined ||
    !sameObservation(policies.observed, status?.observedPolicies) ||
    plan.switchesBranch ||
    plan.refspec !== undefined
  );
}

/** `pushed commit '1234567' to branch 'main'` (spec/image.md §8.5). */
function formatPush({ pushBranch, refspec }: SourcePlan, { commit }: { commit: string }): string {
  const refspecs = refspec === undefined ? '' : ` and refspecs '${refspec}'`;
  return `pushed commit '${commit.slice(0, 7)}' to branch '${pushBranch}'${refspecs}`;
}

function waitText(ms: number): string {
  return `waiting ${formatDuration(Math.round(ms / 1000) * 1000)} for further images`;
}
