import { listAt, textAt, valueAt } from '../../base/json.ts';
import { formatKey, formatRef, type KubeObject, keyOf } from '../../base/kube-object.ts';
import { keepNewest } from './keep-newest.ts';
import { isRolledOut } from './rolled-out.ts';

/** The hops that are timed: each begins where the one before it was seen to be done. */
export const timedHops = ['scanned', 'chosen', 'committed', 'fetched', 'applied', 'running'] as const;
export type TimedHop = (typeof timedHops)[number];

/** A change of one object as a watch tells it; never both absent. */
export interface SeenChange {
  before: KubeObject | undefined;
  after: KubeObject | undefined;
}

interface Begun {
  atMs: number;
}

/**
 * Times the hops of all deliveries by the changes of the objects on their way, each hop by two neighbouring kinds alone: a process
 * that watches only those two can time it. What was there at the start, or happened unseen, is not counted.
 */
export class HopTimes {
  readonly #record: (hop: TimedHop, ms: number) => void;
  readonly #pushes = new Map<string, Begun & { image: string }>();
  readonly #scans = new Map<string, number>();
  readonly #choices = new Map<string, Begun & { tag: string }>();
  readonly #commits = new Map<string, Begun>();
  readonly #artifacts = new Map<string, Begun & { revision: string }>();
  readonly #rollouts = new Map<string, Begun>();

  constructor(record: (hop: TimedHop, ms: number) => void) {
    this.#record = record;
  }

  /** A registry told of a push: `image` as an ImageRepository writes it. */
  pushed(image: string, tag: string, atMs: number): void {
    keepNewest(this.#pushes, `${image}:${tag}`, { image, atMs });
  }

  observe(change: SeenChange, nowMs: number): void {
    const object = change.after ?? change.before;
    if (object === undefined) return;
    if (change.after === undefined) this.#forget(object);
    else if (change.before !== undefined) this.#readers[object.kind]?.(change.before, change.after, nowMs);
  }

  readonly #readers: Record<string, (before: KubeObject, after: KubeObject, nowMs: number) => void> = {
    ImageRepository: (before, after, now) => this.#scanned(before, after, now),
    ImagePolicy: (before, after, now) => this.#chosen(before, after, now),
    ImageUpdateAutomation: (before, after, now) => this.#committed(before, after, now),
    GitRepository: (before, after, now) => this.#fetched(before, after, now),
    OCIRepository: (before, after, now) => this.#fetched(before, after, now),
    Bucket: (before, after, now) => this.#fetched(before, after, now),
    Kustomization: (before, after, now) => this.#applied(before, after, now),
    Deployment: (before, after, now) => this.#rolled(before, after, now),
    StatefulSet: (before, after, now) => this.#rolled(before, after, now),
  };

  #scanned(before: KubeObject, after: KubeObject, now: number): void {
    const [was, scanTime] = [before, after].map((one) => textAt(one, 'status', 'lastScanResult', 'scanTime'));
    if (was === undefined || scanTime === undefined || was === scanTime) return;
    this.#scans.set(formatRef(after), now);
    const image = textAt(after, 'spec', 'image');
    for (const [id, push] of this.#pushes) {
      // Events of registries tell whole seconds, as a scan does.
      if (push.image === image && push.atMs < Date.parse(scanTime) + 1000) this.#end('scanned', this.#pushes, id, now);
    }
  }

  #chosen(before: KubeObject, after: KubeObject, now: number): void {
    const [was, tag] = [before, after].map((policy) => textAt(policy, 'status', 'latestRef', 'tag'));
    if (was === undefined || tag === undefined || was === tag) return;
    this.#choices.set(formatRef(after), { tag, atMs: now });
    // An edit of the policy chooses anew without a scan.
    if (valueAt(before, 'status', 'observedGeneration') !== after.metadata.generation) return;
    const scannedAt = this.#scans.get(`ImageRepository/${referred(after, 'imageRepositoryRef')}`);
    if (scannedAt !== undefined) this.#record('chosen', now - scannedAt);
  }

  #committed(before: KubeObject, after: KubeObject, now: number): void {
    const [was, commit] = [before, after].map((automation) => textAt(automation, 'status', 'lastPushCommit'));
    if (commit === undefined || was === commit) return;
    keepNewest(this.#commits, commit, { atMs: now });
    // It may have been fetched before its author has said so.
    if ([...this.#artifacts.values()].some(({ revision }) => commitOf(revision) === commit))
      this.#end('fetched', this.#commits, commit, now);
    const policies = valueAt(after, 'status', 'observedPolicies');
    for (const name of Object.keys(policies ?? {})) {
      const id = `ImagePolicy/${formatKey({ namespace: keyOf(after).namespace, name })}`;
      const choice = this.#choices.get(id);
      if (choice === undefined || textAt(policies, name, 'tag') !== choice.tag) continue;
      this.#record('committed', now - choice.atMs);
      this.#choices.delete(id);
    }
  }

  #fetched(before: KubeObject, after: KubeObject, now: number): void {
    const [was, revision] = [before, after].map((source) => textAt(source, 'status', 'artifact', 'revision'));
    if (revision === undefined || was === revision) return;
    this.#artifacts.set(formatRef(after), { revision, atMs: now });
    this.#end('fetched', this.#commits, commitOf(revision), now);
  }

  #applied(before: KubeObject, after: KubeObject, now: number): void {
    const [was, revision] = [before, after].map((one) => textAt(one, 'status', 'lastAppliedRevision'));
    if (revision === undefined || was === revision) return;
    const kind = textAt(after, 'spec', 'sourceRef', 'kind');
    const artifact = this.#artifacts.get(`${kind}/${referred(after, 'sourceRef')}`);
    if (artifact?.revision === revision) this.#record('applied', now - artifact.atMs);
  }

  #rolled(before: KubeObject, after: KubeObject, now: number): void {
    if (imagesOf(before) !== imagesOf(after)) this.#rollouts.set(formatRef(after), { atMs: now });
    if (isRolledOut(after)) this.#end('running', this.#rollouts, formatRef(after), now);
  }

  #end(hop: TimedHop, begun: Map<string, Begun>, id: string, now: number): void {
    const since = begun.get(id);
    if (since === undefined) return;
    begun.delete(id);
    this.#record(hop, Math.max(0, now - since.atMs));
  }

  #forget(object: KubeObject): void {
    for (const states of [this.#scans, this.#choices, this.#artifacts, this.#rollouts])
      states.delete(formatRef(object));
  }
}

/** `main@sha1:<commit>` */
function commitOf(revision: string): string {
  return revision.slice(revision.lastIndexOf(':') + 1);
}

/** `namespace/name` of what a field of `spec` refers to. */
function referred(object: KubeObject, field: string): string {
  const name = textAt(object, 'spec', field, 'name') ?? '';
  return formatKey({ namespace: textAt(object, 'spec', field, 'namespace') ?? keyOf(object).namespace, name });
}

function imagesOf(workload: KubeObject): string {
  const images = listAt(workload, 'spec', 'template', 'spec', 'containers').map((one) => textAt(one, 'image'));
  return images.join(' ');
}
