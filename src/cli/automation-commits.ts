import type { ImageUpdateAutomation } from '../api/image-update-automation.ts';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import {
  type PreparedDelivery,
  prepareDelivery,
  resolveCheckout,
} from '../controllers/image-update-automation/deliver.ts';
import { defaultGates } from '../controllers/image-update-automation/deps.ts';
import { loadPolicies } from '../controllers/image-update-automation/policies.ts';
import { splitPush } from '../controllers/image-update-automation/push-parts.ts';
import { planSource, type SourcePlan } from '../controllers/image-update-automation/source.ts';
import type { Git } from '../git/program.ts';
import type { HttpClient } from '../http/http-client.ts';
import type { KubeClient } from '../kube/client.ts';
import { noEvents } from '../runtime/events.ts';

export interface AutomationTools {
  client: KubeClient;
  git: Git;
  http: HttpClient;
  /** Where the repositories are cloned to. */
  clonesDir: string;
  signal: AbortSignal;
}

/** A push that an automation would make now, committed in a clone of ours and pushed nowhere. */
export interface PreparedCommit {
  plan: SourcePlan;
  prepared: PreparedDelivery;
}

/** The commits that an automation would push now, one a branch. Throws Fault as the controller would report it. */
export async function prepareCommits(
  automation: ImageUpdateAutomation,
  tools: AutomationTools,
): Promise<PreparedCommit[]> {
  const { client, signal } = tools;
  const { namespace = '', name } = automation.metadata;
  const gates = { ...defaultGates, objectLevelWorkloadIdentity: true };
  const deps = { ...tools, events: noEvents, noCrossNamespaceRefs: false, gates };
  const reading = { client, noCrossNamespaceRefs: false, signal };
  const policies = await loadPolicies(automation, reading);
  const plan = await planSource(automation, { ...reading, objectLevelWorkloadIdentity: true });
  const wanted = await resolveCheckout(plan, deps, signal);
  const common = { key: { namespace, name }, clock: systemClock, logger: silentLogger, signal };
  const commits: PreparedCommit[] = [];
  for (const part of splitPush(plan, policies, systemClock.now)) {
    const prepared = await prepareDelivery({ ...common, ...part, automation, wanted }, deps);
    commits.push({ plan: part.plan, prepared });
  }
  return commits;
}
