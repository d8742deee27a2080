import { isRecord, listAt, textAt, valueAt } from '../../base/json.ts';
import { formatKey, formatRef, type KubeObject, keyOf } from '../../base/kube-object.ts';
import { conditionOf } from '../condition.ts';
import { nothingCommitted } from '../doctor/automation.ts';
import type { Facts } from '../doctor/rule.ts';
import type { ClusterReader } from './reader.ts';
import { isMadeBy, refersTo } from './references.ts';

/** An automation that is content although the cluster runs another tag than a policy has chosen. */
export interface Undelivered {
  automation: KubeObject;
  /** What the automation says of itself. */
  symptom: string;
  facts: Facts;
}

const workloadKinds = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
];

/**
 * Deliveries that end without a complaint: the policy has moved, the automation finds nothing to commit, everything in git is
 * applied, and still the old tag runs. Only where nothing is under way any more.
 */
export async function findUndelivered(
  reader: ClusterReader,
  objects: Readonly<Record<string, readonly KubeObject[]>>,
): Promise<Undelivered[]> {
  const { ImageUpdateAutomation: automations = [], ImagePolicy: policies = [], Kustomization: builds = [] } = objects;
  const sources = objects['GitRepository'] ?? [];
  const found: Undelivered[] = [];
  for (const automation of automations) {
    const symptom = readyMessage(automation) ?? '';
    const source = sources.find((one) => refersTo(automation, ['spec', 'sourceRef'], one));
    if (!nothingCommitted.test(symptom) || source === undefined || !isApplied(source, builds)) continue;
    const own = policies.filter(({ metadata }) => metadata.namespace === automation.metadata.namespace);
    for (const policy of own.length > 0 ? own : policies) {
      const chosen = chosenBy(policy);
      if (chosen === undefined || !hasObserved(automation, policy, chosen.tag)) continue;
      const stale = await findStale(reader, chosen);
      if (stale === undefined) continue;
      const facts = {
        ...staleFacts(stale, builds),
        policy_latest: chosen.tag,
        policies: [formatKey(keyOf(policy))],
        ...selectionFacts(automation, policy),
      };
      found.push({ automation, symptom: `${formatRef(automation)}: ${symptom}`, facts });
    }
  }
  return found;
}

interface Stale {
  workload: KubeObject;
  image: string;
  tag: string;
}

async function findStale(reader: ClusterReader, chosen: { name: string; tag: string }): Promise<Stale | undefined> {
  for (const kind of workloadKinds) {
    for (const workload of await reader.list(kind)) {
      if (workload.metadata.labels?.['kustomize.toolkit.fluxcd.io/name'] === undefined) continue;
      const images = imagesOf(workload).filter((image) => image.startsWith(`${chosen.name}:`));
      const tags = images.map((image) => image.slice(chosen.name.length + 1).replace(/@.*/, ''));
      const [image, tag] = [images[0], tags[0]];
      if (image !== undefined && tag !== undefined && !tags.includes(chosen.tag)) return { workload, image, tag };
    }
  }
  return undefined;
}

function staleFacts({ workload, image, tag }: Stale, builds: readonly KubeObject[]): Facts {
  const build = builds.find((one) => isMadeBy(workload, one));
  const path = textAt(build, 'spec', 'path');
  return { manifest_image: image, manifest_image_tag: tag, ...(path !== undefined && { manifest_path: path }) };
}

function selectionFacts(automation: KubeObject, policy: KubeObject): Facts {
  const selector = valueAt(automation, 'spec', 'policySelector');
  return isRecord(selector) ? { policy_selector: selector, policy_labels: policy.metadata.labels ?? {} } : {};
}

function chosenBy(policy: KubeObject): { name: string; tag: string } | undefined {
  const latest = valueAt(policy, 'status', 'latestRef');
  const [name, tag] = [textAt(latest, 'name'), textAt(latest, 'tag')];
  if (name !== undefined && tag !== undefined) return { name, tag };
  // As it was before Flux 2.5.
  const [, oldName, oldTag] = /^(.+):([^:/@]+)$/.exec(textAt(policy, 'status', 'latestImage') ?? '') ?? [];
  return oldName === undefined || oldTag === undefined ? undefined : { name: oldName, tag: oldTag };
}

/** Whether the automation has run since the policy moved; older versions do not say. */
function hasObserved(automation: KubeObject, policy: KubeObject, tag: string): boolean {
  const observed = valueAt(automation, 'status', 'observedPolicies');
  const own = isRecord(observed) ? observed[policy.metadata.name] : undefined;
  return own === undefined || textAt(own, 'tag') === tag;
}

/** Whether every Kustomization of a source has applied what the source holds. */
function isApplied(source: KubeObject, builds: readonly KubeObject[]): boolean {
  const revision = textAt(source, 'status', 'artifact', 'revision');
  return builds
    .filter((build) => textAt(build, 'spec', 'sourceRef', 'name') === source.metadata.name)
    .every((build) => textAt(build, 'status', 'lastAppliedRevision') === revision);
}

function imagesOf(workload: KubeObject): string[] {
  return listAt(workload, 'spec', 'template', 'spec', 'containers').flatMap(
    (container) => textAt(container, 'image') ?? [],
  );
}

function readyMessage(object: KubeObject): string | undefined {
  const ready = conditionOf(object, 'Ready');
  return ready?.status === 'True' ? ready.message : undefined;
}
