import { matchesArn } from './arn.ts';
import { conditionHolds, explainCondition } from './policy-condition.ts';
import type { Policy, Statement } from './policy-document.ts';
import { type Caller, matchPrincipal, type PrincipalMatch } from './policy-principal.ts';
import { type ConditionContext, expandPattern } from './policy-variables.ts';
import { matchesWildcards, parseWildcards } from './wildcard.ts';

/** A call as policies see it. */
export interface AccessRequest {
  caller: Caller;
  /** `service:Operation`. */
  action: string;
  /** ARN of what the call is about, or `*` for calls that have no resource. */
  resource: string;
  context: ConditionContext;
}

/** What one statement says to a request: it applies, or the first element in which it does not and why. */
export interface StatementVerdict {
  policy: string;
  /** Sid or `[index]`. */
  statement: string;
  effect: 'Allow' | 'Deny';
  applies: boolean;
  /** How the statement names the caller; undefined in identity policies, which have no principal. */
  principal?: PrincipalMatch;
  mismatch?: { element: 'Principal' | 'Action' | 'Resource' | 'Condition'; detail: string };
}

/** Examines every statement of a policy. */
export function examinePolicy(policy: Policy, request: AccessRequest): StatementVerdict[] {
  return policy.statements.map((statement) => examineStatement(policy, statement, request));
}

function examineStatement(policy: Policy, statement: Statement, request: AccessRequest): StatementVerdict {
  const verdict: StatementVerdict = {
    policy: policy.name,
    statement: statement.label,
    effect: statement.effect,
    applies: false,
  };
  if (statement.principals !== undefined) {
    const match = matchPrincipal(statement.principals.set, request.caller);
    const applies = statement.principals.negated ? match === undefined : match !== undefined;
    if (!applies) return { ...verdict, mismatch: { element: 'Principal', detail: principalDetail(request.caller) } };
    verdict.principal = match ?? 'self';
  }
  if (!actionApplies(statement, request.action)) {
    const { patterns, negated } = statement.actions;
    return { ...verdict, mismatch: { element: 'Action', detail: listDetail(request.action, patterns, negated) } };
  }
  if (!resourceApplies(policy, statement, request)) {
    const { patterns, negated } = statement.resources ?? { patterns: [], negated: false };
    return { ...verdict, mismatch: { element: 'Resource', detail: listDetail(request.resource, patterns, negated) } };
  }
  const failed = statement.conditions.find(
    (condition) => !conditionHolds(condition, request.context, policy.variables),
  );
  if (failed !== undefined) {
    return { ...verdict, mismatch: { element: 'Condition', detail: explainCondition(failed, request.context) } };
  }
  return { ...verdict, applies: true };
}

function actionApplies({ actions }: Statement, action: string): boolean {
  const named = actions.patterns.some((pattern) =>
    matchesWildcards(parseWildcards(pattern), action, { ignoreCase: true }),
  );
  return named !== actions.negated;
}

function resourceApplies(policy: Policy, { resources }: Statement, { resource, context }: AccessRequest): boolean {
  if (resources === undefined) return true;
  const named = resources.patterns.some((written) => {
    const pattern = expandPattern(written, { context, variables: policy.variables, wildcards: true });
    if (pattern === undefined) return false;
    // A call without a resource is covered by `*` alone, never by the ARN of something.
    if (resource === '*') return written === '*';
    return matchesArn(pattern, resource);
  });
  return named !== resources.negated;
}

function listDetail(actual: string, patterns: readonly string[], negated: boolean): string {
  const list = patterns.map((pattern) => `"${pattern}"`).join(', ');
  return negated ? `${actual} is excluded by ${list}` : `${actual} is not among ${list}`;
}

function principalDetail(caller: Caller): string {
  return `${callerName(caller)} is not named`;
}

/** How a caller is named in messages. */
export function callerName(caller: Caller): string {
  switch (caller.kind) {
    case 'service':
      return caller.name;
    case 'federated':
      return caller.providerArn;
    case 'anonymous':
      return 'anonymous';
    default:
      return caller.arn;
  }
}
