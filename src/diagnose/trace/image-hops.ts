import { isRecord, textAt, valueAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import { explainTags } from '../../images/explain-tags.ts';
import type { TagSelection } from '../../images/policy.ts';
import { formatRepository, type Repository } from '../../oci/reference.ts';
import { conditionOf } from '../condition.ts';
import { reasonOf } from '../reason.ts';
import { suspended, type TraceHop } from './hop.ts';
import type { Route, TracedCluster } from './routes.ts';
import type { TraceTools } from './tools.ts';

/** `pushed`: as the registry keeps it. */
export async function pushedHop(image: Repository, tag: string, tools: TraceTools): Promise<TraceHop> {
  try {
    const pushed = await tools.pushedAt(image, tag);
    if (pushed === undefined)
      return { name: 'pushed', state: 'stopped', evidence: `${formatRepository(image)} has no tag ${tag} now` };
    return { name: 'pushed', state: 'done', at: pushed.at, evidence: `${tag} ${pushed.digest.slice(0, 19)}` };
  } catch (error) {
    return { name: 'pushed', state: 'unknown', evidence: reasonOf(error) };
  }
}

/** `scanned`: whether the ImageRepository has seen the tag. */
export function scannedHop({ imageRepository, policy }: Route, tag: string): TraceHop {
  const name = 'scanned';
  if (imageRepository === undefined)
    return { name, state: 'unknown', evidence: 'no ImageRepository looks at the image' };
  const object = formatRef(imageRepository);
  if (valueAt(imageRepository, 'spec', 'suspend') === true)
    return { name, state: 'stopped', object, evidence: suspended };
  const ready = conditionOf(imageRepository, 'Ready');
  const scan = valueAt(imageRepository, 'status', 'lastScanResult');
  const latestTags = valueAt(scan, 'latestTags');
  const isListed = Array.isArray(latestTags) && latestTags.includes(tag);
  const time = textAt(scan, 'scanTime');
  const found = `${valueAt(scan, 'tagCount') ?? 0} tags${time === undefined ? '' : ` at ${time}`}`;
  if (isListed || isChosen(policy, tag)) return { name, state: 'done', object, evidence: found };
  if (ready?.status === 'False')
    return { name, state: 'stopped', object, evidence: `${ready.reason}: ${ready.message}` };
  const interval = textAt(imageRepository, 'spec', 'interval');
  return { name, state: 'waiting', object, evidence: `scanned every ${interval}; ${found}` };
}

/** `chosen`: whether the policy chose the tag, now or before, and why not. */
export function chosenHop({ policy, imageRepository }: Route, tag: string, { events }: TracedCluster): TraceHop {
  const name = 'chosen';
  if (policy === undefined) return { name, state: 'unknown', evidence: 'no ImagePolicy chooses among its tags' };
  const object = formatRef(policy);
  const event = events.find(
    (one) =>
      textAt(one, 'involvedObject', 'uid') === policy.metadata.uid &&
      new RegExp(`resolved to ${escaped(tag)}(?![\\w.+-])`).test(textAt(one, 'message') ?? ''),
  );
  const at = timeOf(event);
  const latest = textAt(policy, 'status', 'latestRef', 'tag');
  const when = at === undefined ? {} : { at };
  const now = conditionOf(policy, 'Ready');
  const doubt = now?.status === 'False' ? `; it would not be by now: ${now.message}` : '';
  if (isChosen(policy, tag)) return { name, state: 'done', object, ...when, evidence: `${rule(policy)}${doubt}` };
  if (event !== undefined)
    return { name, state: 'done', object, ...when, evidence: `${rule(policy)}; by now ${latest}` };
  if (valueAt(policy, 'spec', 'suspend') === true) return { name, state: 'stopped', object, evidence: suspended };
  const known = valueAt(imageRepository, 'status', 'lastScanResult', 'latestTags');
  const tags = [tag, ...(latest === undefined ? [] : [latest]), ...(Array.isArray(known) ? known.map(String) : [])];
  const { rejected } = explainTags(selectionOf(policy), tags);
  const reason = rejected.find((one) => one.tag === tag)?.reason;
  if (reason !== undefined)
    return { name, state: 'stopped', object, evidence: `${latest ?? 'nothing'} is chosen: ${tag} ${reason.trim()}` };
  const ready = conditionOf(policy, 'Ready');
  if (ready?.status === 'False')
    return { name, state: 'stopped', object, evidence: `${ready.reason}: ${ready.message}` };
  return { name, state: 'waiting', object, evidence: `would be chosen; the policy is at ${latest ?? 'nothing'}` };
}

export function isChosen(policy: KubeObject | undefined, tag: string): boolean {
  return policy !== undefined && textAt(policy, 'status', 'latestRef', 'tag') === tag;
}

/** When an event was first seen: it may have been said again since. */
export function timeOf(event: KubeObject | undefined): string | undefined {
  if (event === undefined) return undefined;
  return textAt(event, 'firstTimestamp') ?? textAt(event, 'eventTime') ?? textAt(event, 'lastTimestamp');
}

function rule(policy: KubeObject): string {
  const rules = valueAt(policy, 'spec', 'policy');
  const [kind, value] = Object.entries(isRecord(rules) ? rules : {})[0] ?? ['policy', undefined];
  const detail = textAt(value, 'range') ?? textAt(value, 'order') ?? '';
  const pattern = textAt(policy, 'spec', 'filterTags', 'pattern');
  return `${kind} ${detail}${pattern === undefined ? '' : `, filterTags ${pattern}`}`.trim();
}

function selectionOf(policy: KubeObject): TagSelection {
  const spec = policy['spec'] as { policy: TagSelection['policy']; filterTags?: TagSelection['filterTags'] };
  return { policy: spec.policy, ...(spec.filterTags !== undefined && { filterTags: spec.filterTags }) };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
