import { errorMessage } from '../../base/error.ts';
import { isRefName } from '../../git/ref-name.ts';
import { compileTemplate } from '../../images/template/template.ts';
import { GoStruct } from '../../images/template/value.ts';
import { Fault } from '../image/fault.ts';
import type { PolicyScope } from './policies.ts';
import type { SourcePlan } from './source.ts';

/** One push of a run: a branch, and the policies whose choices go to it. */
export interface PushPart {
  plan: SourcePlan;
  policies: PolicyScope;
}

/**
 * A push branch that is a template (`updates/{{ .Policy.Name }}`) gives one push for each branch that it makes, with the
 * policies it makes that branch for; data: `.Policy.Name`, `.Policy.Namespace`, `.Image.Name`, `.Image.Tag`. Any other
 * branch gives one push for all. Throws Fault for a template that does not make a branch name.
 */
export function splitPush(plan: SourcePlan, policies: PolicyScope, now: () => number): PushPart[] {
  if (!plan.pushBranch.includes('{{')) return [{ plan, policies }];
  const parts = new Map<string, PushPart>();
  for (const id of Object.keys(policies.refs).sort()) {
    const ref = policies.refs[id];
    if (ref === undefined) continue;
    const pushBranch = renderBranch(plan.pushBranch, id, ref, now);
    const part = parts.get(pushBranch) ?? { plan: { ...plan, pushBranch }, policies: { ...policies, refs: {} } };
    part.policies.refs[id] = ref;
    parts.set(pushBranch, part);
  }
  return [...parts.values()];
}

function renderBranch(template: string, id: string, ref: { image: string; tag: string }, now: () => number): string {
  const [namespace = '', name = ''] = id.split(':');
  const data = new GoStruct('PushBranch', {
    Policy: new GoStruct('Policy', { Name: name, Namespace: namespace }),
    Image: new GoStruct('Image', { Name: ref.image, Tag: ref.tag }),
  });
  let branch: string;
  try {
    branch = compileTemplate(template, now).render(data);
  } catch (cause) {
    throw badBranch(`spec.git.push.branch: ${errorMessage(cause)}`, cause);
  }
  if (isRefName(`refs/heads/${branch}`)) return branch;
  throw badBranch(`spec.git.push.branch: '${branch}', made for policy ${namespace}/${name}, is no branch name`);
}

function badBranch(message: string, cause?: unknown): Fault {
  return new Fault('InvalidSourceConfiguration', message, { stalled: true, cause });
}
