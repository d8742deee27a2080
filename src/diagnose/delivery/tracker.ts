import { textAt, valueAt } from '../../base/json.ts';
import { formatKey, formatRef, type KubeObject, keyOf, type ObjectKey } from '../../base/kube-object.ts';
import { conditionOf } from '../condition.ts';
import { type Hop, type HopName, hopNames } from './hops.ts';
import { isRolledOut } from './rolled-out.ts';

/** One image on its way, and the objects that carry it. */
export interface DeliveryTarget {
  tag: string;
  imageRepository: ObjectKey;
  imagePolicy: ObjectKey;
  imageUpdateAutomation: ObjectKey;
  gitRepository: ObjectKey;
  kustomization: ObjectKey;
  deployment: ObjectKey;
}

/**
 * Follows one delivery by what the objects on its way say of themselves; it asks nobody and changes nothing. Feed it every
 * state seen of the objects, in any order. A hop that is done proves the hops before it, so a missed state loses no hop.
 */
export class DeliveryTracker {
  readonly #target: DeliveryTarget;
  readonly #hops = new Map<HopName, Hop>();
  readonly #latest = new Map<string, KubeObject>();
  #commit: string | undefined;

  constructor(target: DeliveryTarget) {
    this.#target = target;
  }

  /** The image is in the registry; only who pushed it can tell. */
  pushed(atMs: number, detail: string): void {
    this.#done('pushed', atMs, detail);
  }

  observe(object: KubeObject, atMs: number): void {
    const observer = this.#observers[object.kind];
    if (observer === undefined || formatKey(keyOf(object)) !== formatKey(observer.key(this.#target))) return;
    this.#latest.set(object.kind, object);
    observer.read(object, atMs);
  }

  /** The commit that carries the tag, once there is one. */
  get commit(): string | undefined {
    return this.#commit;
  }

  /** The hops done so far, in order. */
  get hops(): Hop[] {
    return hopNames.flatMap((name) => this.#hops.get(name) ?? []);
  }

  get isComplete(): boolean {
    return this.#hops.has('running');
  }

  /** The first hop not done, and what the object in charge of it says; undefined when all are done. */
  get waiting(): { hop: HopName; why: string } | undefined {
    const hop = hopNames.find((name) => !this.#hops.has(name));
    return hop === undefined ? undefined : { hop, why: this.#explain(hop) };
  }

  readonly #observers: Record<string, { key(t: DeliveryTarget): ObjectKey; read(o: KubeObject, atMs: number): void }> =
    {
      ImageRepository: { key: (t) => t.imageRepository, read: (o, at) => this.#readImageRepository(o, at) },
      ImagePolicy: { key: (t) => t.imagePolicy, read: (o, at) => this.#readImagePolicy(o, at) },
      ImageUpdateAutomation: { key: (t) => t.imageUpdateAutomation, read: (o, at) => this.#readAutomation(o, at) },
      GitRepository: { key: (t) => t.gitRepository, read: (o, at) => this.#readGitRepository(o, at) },
      Kustomization: { key: (t) => t.kustomization, read: (o, at) => this.#readKustomization(o, at) },
      Deployment: { key: (t) => t.deployment, read: (o, at) => this.#readDeployment(o, at) },
    };

  #readImageRepository(object: KubeObject, atMs: number): void {
    const tags = valueAt(object, 'status', 'lastScanResult', 'latestTags');
    if (!Array.isArray(tags) || !tags.includes(this.#target.tag)) return;
    this.#done(
      'scanned',
      atMs,
      `${valueAt(object, 'status', 'lastScanResult', 'tagCount')} tags in ${textAt(object, 'spec', 'image')}`,
    );
  }

  #readImagePolicy(object: KubeObject, atMs: number): void {
    if (textAt(object, 'status', 'latestRef', 'tag') !== this.#target.tag) return;
    const before = textAt(object, 'status', 'observedPreviousRef', 'tag');
    this.#done('chosen', atMs, before === undefined ? this.#target.tag : `${before} → ${this.#target.tag}`);
  }

  #readAutomation(object: KubeObject, atMs: number): void {
    const policy = this.#target.imagePolicy.name;
    const commit = textAt(object, 'status', 'lastPushCommit');
    if (commit === undefined || textAt(object, 'status', 'observedPolicies', policy, 'tag') !== this.#target.tag)
      return;
    this.#commit ??= commit;
    this.#done('committed', atMs, commit.slice(0, 7));
    // Later hops may have been seen before the commit they belong to was known.
    for (const kind of ['GitRepository', 'Kustomization']) {
      const seen = this.#latest.get(kind);
      if (seen !== undefined) this.observe(seen, atMs);
    }
  }

  #readGitRepository(object: KubeObject, atMs: number): void {
    const revision = textAt(object, 'status', 'artifact', 'revision');
    if (this.#carriesCommit(revision)) this.#done('fetched', atMs, `${revision}`);
  }

  #readKustomization(object: KubeObject, atMs: number): void {
    if (!this.#carriesCommit(textAt(object, 'status', 'lastAttemptedRevision'))) return;
    // Drift is looked for in what a build has produced; an applied revision was built as well.
    const progress = conditionOf(object, 'Reconciling')?.message ?? '';
    const applied = this.#carriesCommit(textAt(object, 'status', 'lastAppliedRevision'));
    const path = textAt(object, 'spec', 'path') ?? './';
    if (applied || progress.startsWith('Detecting drift')) this.#done('built', atMs, `kustomize build ${path}`);
    if (applied) this.#done('applied', atMs, `${formatRef(object)}`);
  }

  #readDeployment(object: KubeObject, atMs: number): void {
    const containers = valueAt(object, 'spec', 'template', 'spec', 'containers');
    const images = Array.isArray(containers) ? containers.map((container) => textAt(container, 'image')) : [];
    const image = images.find((name) => name?.endsWith(`:${this.#target.tag}`));
    if (image === undefined) return;
    this.#done('applied', atMs, `${formatRef(object)} configured`);
    const replicas = valueAt(object, 'spec', 'replicas') ?? 1;
    if (isRolledOut(object)) this.#done('running', atMs, `${replicas}/${replicas} pods ready with ${image}`);
  }

  #carriesCommit(revision: string | undefined): boolean {
    return this.#commit !== undefined && revision?.endsWith(this.#commit) === true;
  }

  #done(name: HopName, atMs: number, detail: string): void {
    if (this.#hops.has(name)) return;
    this.#hops.set(name, { name, atMs, detail });
    for (const before of hopNames.slice(0, hopNames.indexOf(name))) {
      if (!this.#hops.has(before)) this.#hops.set(before, { name: before, atMs, detail: '' });
    }
  }

  #explain(hop: HopName): string {
    const kind = objectInCharge[hop];
    if (kind === undefined) return 'the image has not been pushed';
    const object = this.#latest.get(kind);
    if (object === undefined) return `${kind} has not been seen`;
    const condition = conditionOf(object, 'Ready') ?? conditionOf(object, 'Available');
    if (condition === undefined) return `${formatRef(object)} has not been reconciled`;
    return `${formatRef(object)}: ${condition.reason}: ${condition.message}`;
  }
}

const objectInCharge: Record<HopName, string | undefined> = {
  pushed: undefined,
  scanned: 'ImageRepository',
  chosen: 'ImagePolicy',
  committed: 'ImageUpdateAutomation',
  fetched: 'GitRepository',
  built: 'Kustomization',
  applied: 'Kustomization',
  running: 'Deployment',
};
