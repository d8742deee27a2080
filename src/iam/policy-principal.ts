import { isRecord } from '../base/json.ts';
import { malformed } from './malformed.ts';

export type PrincipalType = 'AWS' | 'Service' | 'Federated' | 'CanonicalUser';

/** The principals that a statement names: everybody, or lists by type. */
export type PrincipalSet = '*' | ReadonlyMap<PrincipalType, readonly string[]>;

/** Reads a Principal element. Throws IAM_POLICY_MALFORMED. */
export function parsePrincipals(written: unknown): PrincipalSet {
  if (written === '*') return '*';
  if (!isRecord(written) || Object.keys(written).length === 0) throw malformed('Syntax errors in policy.');
  const set = new Map<PrincipalType, readonly string[]>();
  for (const [type, value] of Object.entries(written)) {
    if (!isPrincipalType(type)) throw malformed(`Invalid principal in policy: "${type}"`);
    const names: unknown[] = Array.isArray(value) ? value : [value];
    if (names.length === 0 || !names.every((name) => typeof name === 'string'))
      throw malformed('Syntax errors in policy.');
    if (type === 'AWS') for (const name of names) requireAwsPrincipal(name);
    set.set(type, names);
  }
  return set;
}

function isPrincipalType(type: string): type is PrincipalType {
  return type === 'AWS' || type === 'Service' || type === 'Federated' || type === 'CanonicalUser';
}

/** `*`, an account number, or a whole ARN: IAM takes no wildcard inside a principal, nor a bare name. */
function requireAwsPrincipal(name: string): void {
  if (name === '*' || /^\d{12}$/.test(name)) return;
  if (/^arn:[^:*]+:(iam|sts):[^:*]*:\d{12}:[^*]+$/.test(name)) return;
  throw malformed(`Invalid principal in policy: "AWS":"${name}"`);
}

/** Who makes a request. `arn` is the ARN that policies see; a role session carries its role besides. */
export type Caller =
  | { kind: 'user'; arn: string; account: string }
  | { kind: 'session'; arn: string; account: string; roleArn: string }
  | { kind: 'service'; name: string }
  | { kind: 'federated'; providerArn: string }
  | { kind: 'anonymous' };

/**
 * How a statement names a caller. `self` names exactly it (or everybody), `role` the role of its session, and `account`
 * its whole account, which grants nothing by itself within that account: it hands the decision to the caller's own
 * policies (IAM user guide, "AWS JSON policy elements: Principal").
 */
export type PrincipalMatch = 'self' | 'role' | 'account';

/** How `set` names `caller`, or undefined when it does not. */
export function matchPrincipal(set: PrincipalSet, caller: Caller): PrincipalMatch | undefined {
  if (set === '*') return 'self';
  if (caller.kind === 'service') return set.get('Service')?.includes(caller.name) ? 'self' : undefined;
  if (caller.kind === 'federated') return set.get('Federated')?.includes(caller.providerArn) ? 'self' : undefined;
  const names = set.get('AWS') ?? [];
  if (names.includes('*')) return 'self';
  if (caller.kind === 'anonymous') return undefined;
  if (names.includes(caller.arn)) return 'self';
  if (caller.kind === 'session' && names.includes(caller.roleArn)) return 'role';
  return names.some((name) => name === caller.account || isRootOf(name, caller.account)) ? 'account' : undefined;
}

function isRootOf(arn: string, account: string): boolean {
  return /^arn:[^:]+:iam::\d{12}:root$/.test(arn) && arn.split(':')[4] === account;
}
