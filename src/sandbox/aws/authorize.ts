import type { Clock } from '../../base/clock.ts';
import { formatTime } from '../../base/clock.ts';
import { type Decision, decide } from '../../iam/decide.ts';
import { type Policy, parsePolicy } from '../../iam/policy-document.ts';
import { type ConditionContext, conditionContext } from '../../iam/policy-variables.ts';
import type { AccessRequest } from '../../iam/statement.ts';
import type { AwsAccount } from './account.ts';
import type { IamStore } from './iam-store.ts';
import { type Identity, userId } from './identity.ts';

export interface AuthorizeDeps {
  account: AwsAccount;
  clock: Clock;
  iam: IamStore;
}

export interface ActionOptions {
  /** The policy of the resource (JSON text), where it has one. */
  resourcePolicy?: string | undefined;
  /** Condition keys of this very request. */
  context?: Record<string, string | string[]> | undefined;
}

/** Judges a call by every policy that concerns it: those of the caller as they are now, and that of the resource. */
export function judge(
  identity: Identity,
  action: string,
  resource: string,
  { resourcePolicy, context }: ActionOptions,
  deps: AuthorizeDeps,
): { request: AccessRequest; decision: Decision } {
  const { account, iam } = deps;
  const request: AccessRequest = {
    caller: identity.caller,
    action,
    resource,
    context: contextOf(identity, context, deps),
  };
  const entity = identity.kind === 'user' ? identity.user : identity.role;
  const owner = resource.split(':')[4] ?? '';
  const boundaryArn = identity.kind === 'session' ? identity.role.boundary : undefined;
  const boundary = boundaryArn === undefined ? undefined : (iam.managedPolicy(boundaryArn) ?? nothing(boundaryArn));
  const sessionText = identity.kind === 'session' ? identity.claims.policy : undefined;
  const decision = decide(request, {
    identity: iam.policiesOf(entity),
    sameAccount: owner === '' || owner === account.id,
    ...(resourcePolicy === undefined ? {} : { resource: parsePolicy(resourcePolicy, 'resource', resource) }),
    ...(boundary === undefined ? {} : { boundary }),
    ...(sessionText === undefined ? {} : { session: parsePolicy(sessionText, 'identity', 'session policy') }),
  });
  return { request, decision };
}

/** A boundary whose policy was deleted allows nothing. */
function nothing(name: string): Policy {
  return { name, variables: false, statements: [] };
}

/** The global condition keys that the sandbox can know (IAM user guide, "AWS global condition context keys"). */
function contextOf(
  identity: Identity,
  more: Record<string, string | string[]> | undefined,
  { account, clock }: AuthorizeDeps,
): ConditionContext {
  const now = clock.now();
  const session = identity.kind === 'session' ? identity : undefined;
  return conditionContext({
    'aws:PrincipalAccount': account.id,
    'aws:PrincipalArn': session?.role.arn ?? identity.caller.arn,
    'aws:PrincipalType': session === undefined ? 'User' : 'AssumedRole',
    'aws:userid': userId(identity),
    'aws:username': identity.kind === 'user' ? identity.user.name : undefined,
    'aws:RequestedRegion': account.region,
    'aws:ResourceAccount': account.id,
    'aws:SecureTransport': 'false',
    'aws:SourceIp': '127.0.0.1',
    'aws:CurrentTime': formatTime(now),
    'aws:EpochTime': String(Math.floor(now / 1000)),
    ...tagContext(session?.role.tags ?? []),
    ...session?.claims.context,
    ...more,
  });
}

function tagContext(tags: readonly { Key: string; Value: string }[]): Record<string, string> {
  return Object.fromEntries(tags.map(({ Key, Value }) => [`aws:PrincipalTag/${Key}`, Value]));
}
