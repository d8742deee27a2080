import { formatDuration } from '../../base/duration.ts';
import { isRecord, listAt, textAt, valueAt } from '../../base/json.ts';
import { formatKey, formatRef, type KubeObject, keyOf } from '../../base/kube-object.ts';
import { conditionOf } from '../condition.ts';
import type { SeenChange } from './hop-times.ts';
import type { HopName } from './hops.ts';
import { keepNewest } from './keep-newest.ts';
import { isRolledOut } from './rolled-out.ts';

/** What became of a delivery: one commit of an automation with new images. */
export interface DeliveryReport {
  outcome: 'delivered' | 'stopped';
  /** The automation that committed. */
  automation: KubeObject;
  commit: string;
  /** `name:tag` */
  images: readonly string[];
  /** One line for people: the hops with their times, or why it went no further. */
  message: string;
  /** From the first hop that was seen to the last, in milliseconds. */
  durationMs: number;
}

/** Longer than a rollout takes that goes well. */
const patienceMs = 10 * 60_000;
/** What no Deployment or StatefulSet carries is delivered when it has been applied for so long. */
const settleMs = 30_000;

type Times = Partial<Record<HopName, number>>;

interface Choice {
  tag: string;
  times: Times;
}

interface Underway {
  automation: KubeObject;
  commit: string;
  images: readonly string[];
  times: Times;
  /** Kustomizations that have applied the commit, by `namespace/name`. */
  applied: Set<string>;
  /** Workloads that carry an image of the delivery, and whether they run with it. */
  carriers: Map<string, boolean>;
  /** Why it stopped, as far as it has been told. */
  told: string | undefined;
}

/**
 * Follows all deliveries by the changes of the objects on their way, and says of each once that it arrived, or why it did not.
 * What was there at the start, or happened unseen, is not reported. Asks nobody; the caller shows it the workloads.
 */
export class DeliveryReports {
  readonly #report: (report: DeliveryReport) => void;
  readonly #pushes = new Map<string, number>();
  readonly #scans = new Map<string, number>();
  readonly #choices = new Map<string, Choice>();
  readonly #underway = new Map<string, Underway>();
  /** Sources and Kustomizations as they changed last: they may be told before the commit that they carry. */
  readonly #carriers = new Map<string, { object: KubeObject; atMs: number }>();

  constructor(report: (report: DeliveryReport) => void) {
    this.#report = report;
  }

  /** A registry told of a push: `image` as an ImageRepository writes it. */
  pushed(image: string, tag: string, atMs: number): void {
    keepNewest(this.#pushes, `${image}:${tag}`, atMs);
  }

  observe({ before, after }: SeenChange, nowMs: number): void {
    if (after === undefined) this.#carriers.delete(before === undefined ? '' : formatRef(before));
    if (before === undefined || after === undefined) return;
    this.#readers[after.kind]?.(before, after, nowMs);
  }

  /** Whether anything is on its way. */
  get isFollowing(): boolean {
    return this.#underway.size > 0;
  }

  /** Whether the workloads of a delivery are waited for. */
  get awaitsWorkloads(): boolean {
    return [...this.#underway.values()].some(({ applied }) => applied.size > 0);
  }

  /** What the workloads that Kustomizations have applied are now, with their labels. */
  observeWorkloads(workloads: readonly KubeObject[], nowMs: number): void {
    for (const delivery of this.#underway.values()) {
      for (const workload of workloads)
        if (delivery.applied.has(builtBy(workload)) && carries(workload, delivery.images))
          delivery.carriers.set(formatRef(workload), isRolledOut(workload));
      if (delivery.carriers.size > 0 && [...delivery.carriers.values()].every(Boolean)) {
        delivery.times.running ??= nowMs;
        this.#end(delivery);
      }
    }
  }

  /** Ends what has nothing to wait for any more, and tells what takes too long. To be called every few seconds. */
  tick(nowMs: number): void {
    for (const delivery of this.#underway.values()) {
      const { applied, committed = nowMs } = delivery.times;
      if (applied !== undefined && delivery.carriers.size === 0 && nowMs - applied >= settleMs) this.#end(delivery);
      else if (nowMs - committed >= patienceMs) {
        this.#stop(delivery, waitingFor(delivery), nowMs);
        this.#underway.delete(formatRef(delivery.automation));
      }
    }
  }

  readonly #readers: Record<string, (before: KubeObject, after: KubeObject, nowMs: number) => void> = {
    ImageRepository: (before, after, now) => {
      const [was, is] = [before, after].map((one) => textAt(one, 'status', 'lastScanResult', 'scanTime'));
      if (was !== is) keepNewest(this.#scans, formatKey(keyOf(after)), now);
    },
    ImagePolicy: (before, after, now) => this.#chosen(before, after, now),
    ImageUpdateAutomation: (before, after, now) => this.#committed(before, after, now),
    GitRepository: (_before, after, now) => {
      keepNewest(this.#carriers, formatRef(after), { object: after, atMs: now });
      this.#fetched(after, now);
    },
    Kustomization: (_before, after, now) => {
      keepNewest(this.#carriers, formatRef(after), { object: after, atMs: now });
      this.#built(after, now);
    },
  };

  #chosen(before: KubeObject, after: KubeObject, now: number): void {
    const [was, tag] = [before, after].map((policy) => textAt(policy, 'status', 'latestRef', 'tag'));
    if (tag === undefined || was === tag) return;
    const { namespace } = keyOf(after);
    const repository = {
      namespace: textAt(after, 'spec', 'imageRepositoryRef', 'namespace') ?? namespace,
      name: textAt(after, 'spec', 'imageRepositoryRef', 'name') ?? '',
    };
    const pushed = this.#pushes.get(`${textAt(after, 'status', 'latestRef', 'name')}:${tag}`);
    const scanned = this.#scans.get(formatKey(repository));
    const times = { ...(pushed !== undefined && { pushed }), ...(scanned !== undefined && { scanned }), chosen: now };
    keepNewest(this.#choices, formatKey(keyOf(after)), { tag, times });
  }

  #committed(before: KubeObject, after: KubeObject, now: number): void {
    const [was, commit] = [before, after].map((automation) => textAt(automation, 'status', 'lastPushCommit'));
    if (commit === undefined || was === commit) return;
    const images: string[] = [];
    const times: Times = { committed: now };
    for (const [name, ref] of Object.entries(recordAt(after, 'status', 'observedPolicies'))) {
      const tag = textAt(ref, 'tag');
      if (tag === undefined || tag === textAt(before, 'status', 'observedPolicies', name, 'tag')) continue;
      images.push(`${textAt(ref, 'name')}:${tag}`);
      const choice = this.#choices.get(formatKey({ namespace: keyOf(after).namespace, name }));
      if (choice?.tag === tag) addEarliest(times, choice.times);
    }
    if (images.length === 0) return;
    // A newer commit of the same automation takes the place of one that is still on its way.
    const delivery = { automation: after, commit, images, times, applied: new Set<string>(), carriers: new Map() };
    this.#underway.set(formatRef(after), { ...delivery, told: undefined });
    for (const { object, atMs } of this.#carriers.values()) {
      if (object.kind === 'GitRepository') this.#fetched(object, Math.max(atMs, now));
      else this.#built(object, Math.max(atMs, now));
    }
  }

  #fetched(source: KubeObject, now: number): void {
    const revision = textAt(source, 'status', 'artifact', 'revision');
    for (const delivery of this.#underway.values())
      if (revision?.endsWith(delivery.commit) === true) delivery.times.fetched ??= now;
  }

  #built(kustomization: KubeObject, now: number): void {
    const status = (field: string) => textAt(kustomization, 'status', field);
    for (const delivery of this.#underway.values()) {
      if (status('lastAppliedRevision')?.endsWith(delivery.commit) === true) {
        delivery.times.applied ??= now;
        delivery.applied.add(formatKey(keyOf(kustomization)));
      } else if (status('lastAttemptedRevision')?.endsWith(delivery.commit) === true) {
        const ready = conditionOf(kustomization, 'Ready');
        if (ready?.status === 'False' && !passing.has(ready.reason))
          this.#stop(delivery, `${formatRef(kustomization)}: ${ready.reason}: ${ready.message}`, now);
      }
    }
  }

  #end(delivery: Underway): void {
    this.#underway.delete(formatRef(delivery.automation));
    const { automation, commit, images, times } = delivery;
    const durationMs = lengthOf(times);
    const hops = hopTexts(delivery).join(', ');
    const message = `delivered ${shortNames(images)} in ${formatDuration(durationMs)}: ${hops}`;
    this.#report({ outcome: 'delivered', automation, commit, images, message, durationMs });
  }

  /** It may go on from there; each reason is told once. */
  #stop(delivery: Underway, why: string, nowMs: number): void {
    if (delivery.told === why) return;
    delivery.told = why;
    const { automation, commit, images, times } = delivery;
    const message = `delivery of ${shortNames(images)} stopped after ${hopTexts(delivery).join(', ')}: ${why}`;
    const durationMs = lengthOf({ ...times, running: nowMs });
    this.#report({ outcome: 'stopped', automation, commit, images, message, durationMs });
  }
}

/** Reasons of a Kustomization that is at work or waits for others. */
const passing = new Set(['Progressing', 'DependencyNotReady', 'ProgressingWithRetry']);
const reportedHops = ['pushed', 'scanned', 'chosen', 'committed', 'fetched', 'applied', 'running'] as const;

/** `fetched after 0.3s`; the first hop has nothing to be after. */
function hopTexts({ times, commit }: Underway): string[] {
  let last: number | undefined;
  return reportedHops.flatMap((hop) => {
    const at = times[hop];
    if (at === undefined) return [];
    const name = hop === 'committed' ? `committed ${commit.slice(0, 7)}` : hop;
    const text = last === undefined ? name : `${name} after ${formatDuration(Math.max(0, at - last))}`;
    last = at;
    return [text];
  });
}

function waitingFor({ times, applied, carriers }: Underway): string {
  if (times.fetched === undefined) return 'no GitRepository has fetched the commit';
  if (applied.size === 0) return 'no Kustomization has applied the commit';
  const late = [...carriers].flatMap(([workload, isRunning]) => (isRunning ? [] : [workload]));
  return `not rolled out: ${late.join(', ')}`;
}

function lengthOf(times: Times): number {
  const all = reportedHops.flatMap((hop) => times[hop] ?? []);
  return all.length === 0 ? 0 : Math.max(...all) - Math.min(...all);
}

/** Without the registry: `mainapp:1.4.2`. */
function shortNames(images: readonly string[]): string {
  return images.map((image) => image.slice(image.lastIndexOf('/') + 1)).join(', ');
}

/** The Kustomization that applied a workload, as `namespace/name`. */
function builtBy({ metadata }: KubeObject): string {
  const label = (name: string) => metadata.labels?.[`kustomize.toolkit.fluxcd.io/${name}`] ?? '';
  return formatKey({ namespace: label('namespace'), name: label('name') });
}

function carries(workload: KubeObject, images: readonly string[]): boolean {
  const pod = ['spec', 'template', 'spec'];
  const used = ['containers', 'initContainers'].flatMap((field) => listAt(workload, ...pod, field));
  return used.some((container) => {
    const image = textAt(container, 'image');
    return images.some((wanted) => image === wanted || image?.startsWith(`${wanted}@`) === true);
  });
}

function recordAt(object: KubeObject, ...path: string[]): Record<string, unknown> {
  const value = valueAt(object, ...path);
  return isRecord(value) ? value : {};
}

function addEarliest(times: Times, added: Times): void {
  for (const hop of reportedHops) {
    const at = added[hop];
    if (at !== undefined) times[hop] = Math.min(times[hop] ?? at, at);
  }
}
