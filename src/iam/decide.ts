import type { Policy } from './policy-document.ts';
import { type AccessRequest, callerName, examinePolicy, type StatementVerdict } from './statement.ts';

/** The kinds of policy that can decide a request, in the words of AWS's messages. */
export type PolicyKind = 'identity-based policy' | 'resource-based policy' | 'permissions boundary' | 'session policy';

/** Every policy that has a say in a request. */
export interface PolicySet {
  /** Policies attached to the caller (a session's role). */
  identity: readonly Policy[];
  /** The policy of the resource, if it has one. */
  resource?: Policy;
  boundary?: Policy;
  session?: Policy;
  /** Whether caller and resource belong to the same account. Otherwise both sides must allow. Default true. */
  sameAccount?: boolean;
}

export interface Decision {
  allowed: boolean;
  /** `explicitDeny` when a Deny statement applied; `implicitDeny` when nothing allowed it. */
  outcome: 'allowed' | 'explicitDeny' | 'implicitDeny';
  /** The kind of policy that refused; undefined when allowed. */
  refusedBy?: PolicyKind;
  /** What every statement of every policy said, in the order in which they were examined. */
  reasons: (StatementVerdict & { kind: PolicyKind })[];
}

/**
 * Decides a request as AWS does within an account and across two: an applying Deny anywhere wins; else the identity or
 * (in the same account) the resource policy must allow; a permissions boundary and a session policy must allow too, save
 * for what a resource policy grants to the session itself. A resource policy that names the whole account hands the
 * decision to the identity policies (IAM user guide, "Policy evaluation logic").
 */
export function decide(request: AccessRequest, policies: PolicySet): Decision {
  const identity = examine('identity-based policy', policies.identity, request);
  const resource = examine('resource-based policy', policies.resource, request);
  const boundary = examine('permissions boundary', policies.boundary, request);
  const session = examine('session policy', policies.session, request);
  const reasons = [...identity, ...resource, ...boundary, ...session];

  const denied = reasons.find((reason) => reason.applies && reason.effect === 'Deny');
  if (denied !== undefined) return { allowed: false, outcome: 'explicitDeny', refusedBy: denied.kind, reasons };
  const refuse = (refusedBy: PolicyKind): Decision => ({ allowed: false, outcome: 'implicitDeny', refusedBy, reasons });

  const grants = resource.filter(allows);
  const sameAccount = policies.sameAccount ?? true;
  const grantedToCaller = grants.some(({ principal }) => principal === 'self');
  const grantedToRole = grants.some(({ principal }) => principal === 'role');
  if (sameAccount) {
    if (grantedToCaller) return { allowed: true, outcome: 'allowed', reasons };
    if (!identity.some(allows) && !grantedToRole) return refuse('identity-based policy');
  } else {
    if (!identity.some(allows)) return refuse('identity-based policy');
    if (grants.length === 0) return refuse('resource-based policy');
  }
  if (policies.boundary !== undefined && !boundary.some(allows)) return refuse('permissions boundary');
  if (policies.session !== undefined && !session.some(allows)) return refuse('session policy');
  return { allowed: true, outcome: 'allowed', reasons };
}

/** Decides by a resource policy alone: how a service (EventBridge sending to a queue) or an anonymous caller is judged. */
export function decideByResource(request: AccessRequest, policy: Policy | undefined): Decision {
  const reasons = examine('resource-based policy', policy, request);
  if (reasons.some((reason) => reason.applies && reason.effect === 'Deny')) {
    return { allowed: false, outcome: 'explicitDeny', refusedBy: 'resource-based policy', reasons };
  }
  if (reasons.some(allows)) return { allowed: true, outcome: 'allowed', reasons };
  return { allowed: false, outcome: 'implicitDeny', refusedBy: 'resource-based policy', reasons };
}

function examine(kind: PolicyKind, policies: Policy | readonly Policy[] | undefined, request: AccessRequest) {
  if (policies === undefined) return [];
  const list = 'statements' in policies ? [policies] : policies;
  return list.flatMap((policy) => examinePolicy(policy, request).map((verdict) => ({ ...verdict, kind })));
}

function allows(reason: StatementVerdict): boolean {
  return reason.applies && reason.effect === 'Allow';
}

/**
 * The sentence with which AWS refuses a request, e.g. `User: arn:… is not authorized to perform: ecr:ListImages on
 * resource: arn:… because no identity-based policy allows the ecr:ListImages action` (IAM user guide, "Troubleshoot access
 * denied error messages").
 */
export function denialMessage({ caller, action, resource }: AccessRequest, decision: Decision): string {
  const refusedBy = decision.refusedBy ?? 'identity-based policy';
  const article = refusedBy === 'identity-based policy' ? 'an' : 'a';
  const reason =
    decision.outcome === 'explicitDeny'
      ? `with an explicit deny in ${article} ${refusedBy}`
      : `because no ${refusedBy} allows the ${action} action`;
  return `User: ${callerName(caller)} is not authorized to perform: ${action} on resource: ${resource} ${reason}`;
}
