import { ImagePolicy, type ImageRef } from '../../api/image-policy.ts';
import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { kindRef } from '../../api/kind.ts';
import { errorMessage } from '../../base/error.ts';
import { deepEqual } from '../../base/json.ts';
import { formatImageRef, type PolicyRef } from '../../images/setter-marker.ts';
import type { KubeClient } from '../../kube/client.ts';
import { parseReference } from '../../oci/reference.ts';
import { Fault } from '../image/fault.ts';
import { compileLabelSelector } from './label-selector.ts';

/** The policies that an automation goes by. */
export interface PolicyScope {
  /** What they have chosen, by `namespace:name`: what setters name. */
  refs: Record<string, PolicyRef>;
  /** The same by name, as `status.observedPolicies` has it. */
  observed: Record<string, ImageRef>;
}

/** The selected policies of the automation's namespace that have chosen something; whether they are Ready is no matter. */
export async function loadPolicies(
  { spec, metadata }: ImageUpdateAutomation,
  client: KubeClient,
  signal: AbortSignal,
): Promise<PolicyScope> {
  const { namespace = '' } = metadata;
  const isSelected = compileSelector(spec.policySelector);
  const { items } = await client.list<ImagePolicy>(kindRef(ImagePolicy), { namespace, signal });
  const scope: PolicyScope = { refs: {}, observed: {} };
  for (const policy of items) {
    const latest = policy.status?.latestRef;
    if (latest === undefined || !isSelected(policy.metadata.labels ?? {})) continue;
    const digest = latest.digest ? { digest: latest.digest } : {};
    scope.refs[`${namespace}:${policy.metadata.name}`] = { image: latest.name, tag: latest.tag, ...digest };
    scope.observed[policy.metadata.name] = { name: latest.name, tag: latest.tag, ...digest };
  }
  return scope;
}

/** Whether a run may rest on what an earlier one observed. */
export function sameObservation(a: PolicyScope['observed'], b: PolicyScope['observed'] | undefined): boolean {
  return deepEqual(a, b ?? {});
}

/** A ref that no registry could have is rather a fault than a value to commit (spec/image.md §7.5). */
export function checkRefs({ refs }: PolicyScope): void {
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
