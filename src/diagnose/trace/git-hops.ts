import { textAt, valueAt } from '../../base/json.ts';
import { formatRef } from '../../base/kube-object.ts';
import { formatRepository, type Repository } from '../../oci/reference.ts';
import { conditionOf } from '../condition.ts';
import { reasonOf } from '../reason.ts';
import { suspended, type TraceHop } from './hop.ts';
import { isChosen } from './image-hops.ts';
import type { Route } from './routes.ts';
import type { TagCommit, TraceTools } from './tools.ts';

/** The commit that brought the tag, or why it is not known. */
export type FoundCommit = { commit: TagCommit | undefined } | { why: string };

/** Looks for the commit in the history of git; `name:tag` first, the bare tag where tag and name are fields of their own. */
export async function findCommit(
  { source, policy }: Route,
  image: Repository,
  tag: string,
  tools: TraceTools,
): Promise<FoundCommit> {
  if (source === undefined) return { why: 'no GitRepository feeds the workloads' };
  try {
    const whole = `${formatRepository(image)}:${tag}`;
    const commit = await tools.commitOf(source, [
      whole,
      ...(policy === undefined ? [] : [`: ${tag} #`, `: "${tag}" #`]),
    ]);
    return { commit };
  } catch (error) {
    return { why: reasonOf(error) };
  }
}

/** `committed`: by git's history, otherwise by what the automation says. */
export function committedHop({ automation, policy }: Route, tag: string, found: FoundCommit): TraceHop {
  const name = 'committed';
  const object = automation === undefined ? {} : { object: formatRef(automation) };
  if ('commit' in found && found.commit !== undefined) {
    const { hash, at, author, subject } = found.commit;
    return { name, state: 'done', at, ...object, evidence: `${hash.slice(0, 7)} ${author}: ${subject}` };
  }
  const unseen = 'why' in found ? `; git was not asked: ${found.why}` : '';
  if (automation === undefined)
    return { name, state: 'unknown', evidence: `no ImageUpdateAutomation writes to git${unseen}` };
  const observed = textAt(automation, 'status', 'observedPolicies', policy?.metadata.name ?? '', 'tag');
  const pushed = textAt(automation, 'status', 'lastPushCommit');
  const at = textAt(automation, 'status', 'lastPushTime');
  if (unseen !== '' && observed === tag && pushed !== undefined && at !== undefined)
    return { name, state: 'done', at, ...object, evidence: `last push ${pushed.slice(0, 7)}${unseen}` };
  if (valueAt(automation, 'spec', 'suspend') === true)
    return { name, state: 'stopped', ...object, evidence: suspended };
  const ready = conditionOf(automation, 'Ready');
  if (ready?.status === 'False')
    return { name, state: 'stopped', ...object, evidence: `${ready.reason}: ${ready.message}` };
  if (observed === tag && isChosen(policy, tag))
    return {
      name,
      state: 'stopped',
      ...object,
      evidence: `the automation has seen ${tag} and found nothing to change: ${ready?.message ?? ''}`,
    };
  return {
    name,
    state: 'waiting',
    ...object,
    evidence: `runs every ${textAt(automation, 'spec', 'interval')}${unseen}`,
  };
}

/** `fetched`: whether the source holds the commit. */
export async function fetchedHop({ source }: Route, found: FoundCommit, tools: TraceTools): Promise<TraceHop> {
  const name = 'fetched';
  if (source === undefined) return { name, state: 'unknown', evidence: 'no GitRepository feeds the workloads' };
  const object = formatRef(source);
  const revision = textAt(source, 'status', 'artifact', 'revision');
  const commit = 'commit' in found ? found.commit : undefined;
  const ready = conditionOf(source, 'Ready');
  if (revision !== undefined && commit !== undefined) {
    if (revision.endsWith(commit.hash)) {
      const at = textAt(source, 'status', 'artifact', 'lastUpdateTime');
      return { name, state: 'done', ...(at !== undefined && { at }), object, evidence: revision };
    }
    const contained = await tools.contains(source, revision, commit.hash).catch(() => false);
    if (contained) return { name, state: 'done', object, evidence: `${revision}, which contains it` };
  }
  if (valueAt(source, 'spec', 'suspend') === true) return { name, state: 'stopped', object, evidence: suspended };
  if (ready?.status === 'False')
    return { name, state: 'stopped', object, evidence: `${ready.reason}: ${ready.message}` };
  const at = revision ?? 'nothing yet';
  if (commit === undefined) return { name, state: 'unknown', object, evidence: `it holds ${at}` };
  return {
    name,
    state: 'waiting',
    object,
    evidence: `it holds ${at}, and looks every ${textAt(source, 'spec', 'interval')}`,
  };
}
