import { rm } from 'node:fs/promises';
import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { formatTime } from '../../base/clock.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import { openRequest } from '../../runtime/request.ts';
import { formatRevision } from '../git-repository/git-revision.ts';
import { Fault } from '../image/fault.ts';
import type { ImageResult, ImageRun } from '../image/run.ts';
import { createBatches } from './batch-window.ts';
import { parseMessageTemplate } from './commit-message.ts';
import { cloneDir, deliver, resolveCheckout } from './deliver.ts';
import type { ImageUpdateAutomationDeps } from './deps.ts';
import { createKeyedLock } from './keyed-lock.ts';
import { loadPolicies, type PolicyScope, sameObservation } from './policies.ts';
import { openPullRequest } from './pull-request/open-pull-request.ts';
import { type PushPart, splitPush } from './push-parts.ts';
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
    if (plan.git.commit.messageTemplate !== undefined) parseMessageTemplate(object, clock.now);
    const pushes: string[] = [];
    const faults: Fault[] = [];
    for (const part of splitPush(plan, policies, clock.now)) {
      const pushed = await deliverPart(run, part).catch((error: unknown) => {
        // The other branches are no worse for it.
        if (!(error instanceof Fault)) throw error;
        faults.push(error);
        return undefined;
      });
      if (pushed === 'unchanged') return { ready: upToDate, requeueAfterMs, isNews: false, trace: unchanged };
      if (pushed !== undefined) pushes.push(pushed);
    }
    const [fault] = faults;
    if (fault !== undefined) {
      if (pushes.length > 0) deps.events.event(object, 'Normal', 'Succeeded', pushes.join('\n'));
      throw fault;
    }
    run.status.observedPolicies = policies.observed;
    batches.done(run);
    if (pushes.length === 0) return { ready: upToDate, requeueAfterMs, isNews: false };
    return { ready: upToDate, requeueAfterMs, isNews: true, event: pushes.join('\n') };
  };

  /** The push as its event tells of it; undefined where there was nothing to push. */
  const deliverPart = async (run: Run, { plan, policies }: PushPart): Promise<string | undefined> => {
    const { object: automation, key, signal, clock, logger } = run;
    // One at a time on a branch: those that would lose the race wait for their turn instead.
    return branches.run(`${plan.remote.url} ${plan.pushBranch}`, signal, async () => {
      const checkedOut = await resolveCheckout(plan, deps, signal);
      const revision = formatRevision(checkedOut.name, checkedOut.commit);
      const isSeen = revision === run.status.observedSourceRevision;
      if (isSeen && !needsFullSync(automation, policies, plan)) return 'unchanged';
      const delivery = await deliver(
        { automation, key, plan, wanted: checkedOut, policies, signal, clock, logger },
        deps,
      );
      const { pushed } = delivery;
      const observed = pushed === undefined || plan.switchesBranch ? checkedOut.commit : pushed.commit;
      run.status.observedSourceRevision = formatRevision(checkedOut.name, observed);
      showFindings(run, deps.events, { findings: delivery.findings, skipped: policies.skipped });
      if (pushed !== undefined) {
        Object.assign(run.status, { lastPushCommit: pushed.commit, lastPushTime: formatTime(clock.now()) });
        logger.info(formatPush(plan, pushed), { revision: pushed.commit });
        await wakeSource(plan, run, deps);
      }
      const pullRequest = await openPullRequest(run, deps, { plan, delivery, checkedOut });
      if (pushed === undefined) return pullRequest;
      return [formatPush(plan, pushed), ...(pullRequest === undefined ? [] : [pullRequest]), pushed.message].join('\n');
    });
  };

  return { work, forget: (key) => rm(cloneDir(deps, key), { recursive: true, force: true }) };
}

const unchanged = 'no change since last reconciliation';

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
