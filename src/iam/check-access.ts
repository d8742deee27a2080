import { parseArn } from './arn.ts';
import { decide } from './decide.ts';
import { type EcrProfile, ecrProfiles } from './ecr-policy.ts';
import type { Policy } from './policy-document.ts';
import { conditionContext } from './policy-variables.ts';
import { matchesWildcards, parseWildcards } from './wildcard.ts';

/** One call that will be made. */
export interface AccessCheck {
  action: string;
  resource: string;
  allowed: boolean;
  /** Why it is refused, statement by statement, and what to change. */
  reasons: string[];
}

export interface AccessQuestion {
  /** The role's policies. */
  policies: readonly Policy[];
  roleArn: string;
  profile: EcrProfile;
  /** ARNs of the repositories that are scanned. */
  repositories: readonly string[];
  boundary?: Policy;
}

/** Evaluates the calls of a scan, as IAM would: the login on `*`, each action of the profile on each repository. */
export function checkEcrAccess(question: AccessQuestion): AccessCheck[] {
  const calls = [
    { action: 'ecr:GetAuthorizationToken', resource: '*' },
    ...question.repositories.flatMap((resource) =>
      ecrProfiles[question.profile].map((action) => ({ action, resource })),
    ),
  ];
  return calls.map((call) => checkCall(call, question));
}

function checkCall(
  call: { action: string; resource: string },
  { policies, roleArn, boundary }: AccessQuestion,
): AccessCheck {
  const arn = parseArn(roleArn);
  const region = parseArn(call.resource)?.region;
  const session = roleArn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/');
  const caller = { kind: 'session' as const, arn: `${session}/check`, account: arn?.account ?? '', roleArn };
  const context = conditionContext({ 'aws:RequestedRegion': region, 'aws:PrincipalArn': roleArn });
  const request = { caller, context, ...call };
  const decision = decide(request, { identity: policies, ...(boundary === undefined ? {} : { boundary }) });
  if (decision.allowed) return { ...call, allowed: true, reasons: [] };
  const denies = decision.reasons.filter(({ applies, effect }) => applies && effect === 'Deny');
  const reasons =
    denies.length > 0
      ? denies.map(({ policy, statement }) => `statement ${statement} of ${policy} denies it explicitly`)
      : [
          ...decision.reasons.flatMap(({ policy, statement, effect, mismatch }) =>
            effect === 'Allow' && mismatch !== undefined && mismatch.element !== 'Action'
              ? [`statement ${statement} of ${policy}: ${mismatch.element}: ${mismatch.detail}`]
              : [],
          ),
          ...advise(call, policies),
        ];
  return { ...call, allowed: false, reasons };
}

/** What is wrong about the statements that do allow the action, in the words of whoever has to change them. */
function advise({ action, resource }: { action: string; resource: string }, policies: readonly Policy[]): string[] {
  const statements = policies
    .flatMap((policy) => policy.statements)
    .filter(
      ({ effect, actions }) =>
        effect === 'Allow' && !actions.negated && actions.patterns.some((pattern) => covers(pattern, action)),
    );
  if (statements.length === 0) return [`no statement allows ${action}: add it`];
  if (resource === '*') return [`${action} has no resource: allow it on "*", in a statement of its own`];
  const patterns = statements.flatMap(({ resources }) => resources?.patterns ?? []);
  return [...new Set(patterns.flatMap((pattern) => differences(pattern, resource)))];
}

function covers(pattern: string, action: string): boolean {
  return matchesWildcards(parseWildcards(pattern.toLowerCase()), action.toLowerCase());
}

/** In what an ARN pattern differs from the ARN that is asked for. */
function differences(pattern: string, resource: string): string[] {
  const [wanted, actual] = [parseArn(pattern), parseArn(resource)];
  if (wanted === undefined || actual === undefined) return [];
  const found: string[] = [];
  for (const part of ['partition', 'region', 'account'] as const) {
    if (!matchesWildcards(parseWildcards(wanted[part]), actual[part])) {
      found.push(`${pattern}: its ${part} is '${wanted[part]}', the repository's is ${actual[part]}`);
    }
  }
  const name = actual.resource.replace(/^repository\//, '');
  if (/[<>]/.test(wanted.resource)) found.push(`${pattern}: holds a placeholder; IAM takes angle brackets literally`);
  else if (!wanted.resource.startsWith('repository/') && !/^[*?]/.test(wanted.resource))
    found.push(`${pattern}: the resource has to begin with repository/`);
  else if (!matchesWildcards(parseWildcards(wanted.resource), actual.resource)) {
    const prefix = wanted.resource.replace(/^repository\//, '');
    found.push(
      name.startsWith(`${prefix}/`)
        ? `${pattern}: is the repository '${prefix}' alone; write repository/${prefix}/* for those below it`
        : `${pattern}: does not match the repository '${name}' (a * matches slashes, so this is the name itself)`,
    );
  }
  return found;
}
