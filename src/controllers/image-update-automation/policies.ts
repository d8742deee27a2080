import { ImagePolicy, type ImageRef } from '../../api/image-policy.ts';
import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { kindRef } from '../../api/kind.ts';
import { errorMessage } from '../../base/error.ts';
import { deepEqual } from '../../base/json.ts';
import { formatImageRef, type PolicyRef } from '../../images/setter-marker.ts';
import type { KubeClient } from '../../kube/client.ts';
import { parseReference } from '../../oci/reference.ts';
import { Fault } from '../image/fault.ts';
import { admits, allowAutomationsAnnotation, namesIn, policyNamespacesAnnotation } from './annotations.ts';
import { compileLabelSelector } from './label-selector.ts';

/** The policies that an automation goes by. */
export interface PolicyScope {
  /** What they have chosen, by `namespace:name`: what setters name. */
  refs: Record<string, PolicyRef>;
  /** The same as `status.observedPolicies` has it: by name, with the namespace before it where it is another. */
  observed: Record<string, ImageRef>;
  /** Every policy of the namespaces looked at, `namespace:name`. */
  known: Set<string>;
  /** Namespaces whose policies count. */
  namespaces: Set<string>;
  /** Policies that were looked at and do not count, and why. */
  skipped: { policy: string; reason: string }[];
}

export interface PolicyOptions {
  client: KubeClient;
  noCrossNamespaceRefs: boolean;
  signal: AbortSignal;
}

/**
 * The selected policies that have chosen something: those of the automation's namespace, and of further ones where both
 * sides say so. Whether a policy is Ready is no matter. Throws Fault with reason InvalidPolicySelector.
 */
export async function loadPolicies(automation: ImageUpdateAutomation, options: PolicyOptions): Promise<PolicyScope> {
  const { namespace = '' } = automation.metadata;
  const isSelected = compileSelector(automation.spec.policySelector);
  const scope: PolicyScope = {
    refs: {},
    observed: {},
    known: new Set(),
    namespaces: new Set([namespace]),
    skipped: [],
  };
  for (const policy of await listPolicies(automation, options)) {
    const own = policy.metadata.namespace ?? namespace;
    const id = `${own}:${policy.metadata.name}`;
    scope.known.add(id);
    scope.namespaces.add(own);
    const reason = skipReason(policy, { isOwn: own === namespace, namespace, isSelected });
    const latest = policy.status?.latestRef;
    if (reason !== undefined || latest === undefined) {
      scope.skipped.push({ policy: id.replace(':', '/'), reason: reason ?? 'it has chosen no tag yet' });
      continue;
    }
    const digest = latest.digest ? { digest: latest.digest } : {};
    scope.refs[id] = { image: latest.name, tag: latest.tag, ...digest };
    const name = own === namespace ? policy.metadata.name : `${own}/${policy.metadata.name}`;
    scope.observed[name] = { name: latest.name, tag: latest.tag, ...digest };
  }
  return scope;
}

/** Namespaces that an automation reaches into besides its own; none under the lock-down flag. */
export function furtherNamespaces(automation: ImageUpdateAutomation, noCrossNamespaceRefs: boolean): string[] {
  return noCrossNamespaceRefs ? [] : namesIn(automation, policyNamespacesAnnotation);
}

/** Whether a run may rest on what an earlier one observed. */
export function sameObservation(a: PolicyScope['observed'], b: PolicyScope['observed'] | undefined): boolean {
  return deepEqual(a, b ?? {});
}

/** A ref that no registry could have is rather a fault than a value to commit (spec/image.md §7.5). */
export function checkRefs(refs: Readonly<Record<string, PolicyRef>>): void {
  for (const ref of Object.values(refs)) {
    const text = formatImageRef(ref);
    try {
      parseReference(text);
    } catch (cause) {
      const message = `failed to apply policies: encountered invalid image ref "${text}": ${errorMessage(cause)}`;
      throw new Fault('UpdateFailed', message, { cause });
    }
  }
}

async function listPolicies(automation: ImageUpdateAutomation, options: PolicyOptions): Promise<ImagePolicy[]> {
  const { client, noCrossNamespaceRefs, signal } = options;
  const { namespace = '' } = automation.metadata;
  const further = furtherNamespaces(automation, noCrossNamespaceRefs);
  const kind = kindRef(ImagePolicy);
  if (further.length === 0) return (await client.list<ImagePolicy>(kind, { namespace, signal })).items;
  const { items } = await client.list<ImagePolicy>(kind, { signal });
  return items.filter(({ metadata }) => metadata.namespace === namespace || admits(further, metadata.namespace ?? ''));
}

interface SkipContext {
  isOwn: boolean;
  namespace: string;
  isSelected: (labels: Record<string, string>) => boolean;
}

function skipReason(policy: ImagePolicy, { isOwn, namespace, isSelected }: SkipContext): string | undefined {
  if (!isOwn && !admits(namesIn(policy, allowAutomationsAnnotation), namespace)) {
    return `its annotation ${allowAutomationsAnnotation} does not name '${namespace}'`;
  }
  return isSelected(policy.metadata.labels ?? {}) ? undefined : 'spec.policySelector does not select it';
}

function compileSelector(selector: ImageUpdateAutomation['spec']['policySelector']) {
  try {
    return compileLabelSelector(selector ?? {});
  } catch (cause) {
    throw new Fault('InvalidPolicySelector', `failed to parse policy selector: ${errorMessage(cause)}`, {
      stalled: true,
      cause,
    });
  }
}
