import type { ImageUpdateAutomation } from '../../../api/image-update-automation.ts';
import { withDeadline } from '../../../base/deadline.ts';
import { errorMessage, isMillraceError } from '../../../base/error.ts';
import type { HttpClient } from '../../../http/http-client.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { getCondition, removeConditions, setCondition } from '../../../runtime/conditions.ts';
import { Fault } from '../../image/fault.ts';
import type { ImageRun } from '../../image/run.ts';
import { pullRequestAnnotation } from '../annotations.ts';
import { defaultMessage } from '../commit-message.ts';
import type { Delivery } from '../deliver.ts';
import type { SourcePlan } from '../source.ts';
import { loadApiAuth } from './api-auth.ts';
import { gitHostOf } from './git-host.ts';

const conditionType = 'PullRequest';
const timeoutMs = 30_000;

/**
 * Opens or updates the pull request of a push branch, where the automation asks for it; the condition `PullRequest` has
 * its address. A branch that was pushed before but never got one (the run was killed in between) gets it now.
 * Throws Fault with reason PullRequestFailed; the push stands, and the next run tries again.
 */
export async function openPullRequest(
  run: ImageRun<ImageUpdateAutomation>,
  { http, client }: { http: HttpClient; client: KubeClient },
  { plan, delivery, checkedOut }: { plan: SourcePlan; delivery: Delivery; checkedOut: { commit: string } },
): Promise<string | undefined> {
  const { object, signal } = run;
  const target = plan.ref.branch;
  if (object.metadata.annotations?.[pullRequestAnnotation] !== 'true' || !plan.switchesBranch || !target)
    return undefined;
  const name = `${plan.pushBranch} → ${target}: `;
  const others = (getCondition(object, conditionType)?.message.split('; ') ?? []).filter(
    (entry) => !entry.startsWith(name),
  );
  const hasOpen = getCondition(object, conditionType)?.message.includes(name);
  if (delivery.pushed === undefined && (hasOpen || delivery.base === checkedOut.commit)) return undefined;
  const [title = defaultMessage, ...rest] = (delivery.pushed?.message ?? defaultMessage).trim().split('\n');
  const wanted = { source: plan.pushBranch, target, title, body: rest.join('\n').trim() };
  try {
    const auth = await loadApiAuth(object, plan.remote.auth, { client, signal });
    const host = gitHostOf(object, plan.remote.url, auth, http);
    const { url, isNew } = await withDeadline(signal, timeoutMs, 'opening the pull request', (deadline) =>
      host.ensurePullRequest(wanted, deadline),
    );
    const message = [...others, name + url].sort().join('; ');
    setCondition(
      object,
      { type: conditionType, status: 'True', reason: isNew ? 'Opened' : 'Updated', message },
      run.clock,
    );
    return `pull request ${url}`;
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause;
    if (others.length === 0) removeConditions(object, conditionType);
    else
      setCondition(
        object,
        { type: conditionType, status: 'True', reason: 'Updated', message: others.join('; ') },
        run.clock,
      );
    throw new Fault('PullRequestFailed', `failed to open the pull request: ${errorMessage(cause)}`, { cause });
  }
}
