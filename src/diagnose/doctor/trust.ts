import { matchesWildcards, parseWildcards } from '../../iam/wildcard.ts';
import { record, text, texts } from './facts.ts';
import type { Facts } from './rule.ts';

export type TrustFault = 'provider' | 'sub' | 'aud';

/**
 * The first part of a role's trust policy that does not match the token, in the order in which STS's refusal should be read:
 * provider, subject, audience (spec/failure-codes.md). Undefined where what is known matches or too little is known.
 */
export function trustFault(facts: Facts): { fault: TrustFault; evidence: string } | undefined {
  const policy = record(facts, 'trust_policy');
  if (policy === undefined) return undefined;
  return providerFault(policy, facts) ?? subjectFault(policy, facts) ?? audienceFault(policy, facts);
}

function providerFault(policy: Readonly<Record<string, unknown>>, facts: Facts) {
  const federated = text(policy, 'federated');
  if (federated === undefined) return undefined;
  const issuer = text(facts, 'oidc_issuer')?.replace(/^https?:\/\//, '');
  const provider = federated.slice(federated.indexOf('oidc-provider/') + 'oidc-provider/'.length);
  if (issuer !== undefined && provider !== issuer) {
    return {
      fault: 'provider' as const,
      evidence: `the policy trusts ${federated}, the cluster's issuer is ${issuer}`,
    };
  }
  const account = /::(\d{12}):/.exec(federated)?.[1];
  const roleAccount = text(facts, 'role_account');
  if (account !== undefined && roleAccount !== undefined && account !== roleAccount) {
    const evidence = `the trusted provider is in account ${account}, the role in ${roleAccount}`;
    return { fault: 'provider' as const, evidence };
  }
  return undefined;
}

function subjectFault(policy: Readonly<Record<string, unknown>>, facts: Facts) {
  const key = text(policy, 'condition_key');
  if (key !== undefined && !/:(sub|aud)$/.test(key)) {
    return { fault: 'sub' as const, evidence: `the condition key '${key}' does not end in :sub or :aud` };
  }
  const issuer = text(facts, 'oidc_issuer')?.replace(/^https?:\/\//, '');
  if (key?.endsWith(':sub') && issuer !== undefined && key !== `${issuer}:sub`) {
    return { fault: 'sub' as const, evidence: `the condition key '${key}' is not of the issuer ${issuer}` };
  }
  const subject = text(facts, 'token_sub');
  const wanted = texts(policy['sub']);
  if (wanted.length === 0) return undefined;
  const operator = text(policy, 'operator') ?? 'StringEquals';
  if (operator === 'StringEquals' && wanted.every((value) => /[*?]/.test(value))) {
    return { fault: 'sub' as const, evidence: `StringEquals takes the * in '${wanted.join("', '")}' literally` };
  }
  if (subject === undefined || wanted.some((value) => matches(operator, value, subject))) return undefined;
  return {
    fault: 'sub' as const,
    evidence: `the policy wants '${wanted.join("' or '")}', the token's subject is '${subject}'`,
  };
}

function audienceFault(policy: Readonly<Record<string, unknown>>, facts: Facts) {
  const audiences = texts(facts['token_aud']);
  const wanted = texts(policy['aud']);
  if (audiences.length === 0 || wanted.length === 0) return undefined;
  const operator = text(policy, 'operator') ?? 'StringEquals';
  if (wanted.some((value) => audiences.some((audience) => matches(operator, value, audience)))) return undefined;
  const evidence = `the policy wants audience '${wanted.join("' or '")}', the token has '${audiences.join("', '")}'`;
  return { fault: 'aud' as const, evidence };
}

function matches(operator: string, pattern: string, value: string): boolean {
  return operator.startsWith('StringLike') ? matchesWildcards(parseWildcards(pattern), value) : pattern === value;
}

/** What to change in the trust policy, where it is known what it says and what the token says. */
export function trustDiff(facts: Facts): string | undefined {
  const policy = record(facts, 'trust_policy') ?? {};
  const key = text(policy, 'condition_key') ?? '';
  const issuer = text(facts, 'oidc_issuer')?.replace(/^https?:\/\//, '') ?? /^(.+):(?:sub|aud)$/.exec(key)?.[1];
  const operator = text(policy, 'operator') ?? 'StringEquals';
  const lines = (before: unknown, after: unknown) =>
    `--- trust policy\n+++ trust policy\n-  ${written(before)}\n+  ${written(after)}`;
  const fault = trustFault(facts)?.fault;
  if (fault === undefined || issuer === undefined) return undefined;
  if (fault === 'provider') {
    const owner = text(facts, 'role_account');
    const partition = text(policy, 'federated')?.split(':')[1] ?? 'aws';
    if (owner === undefined) return undefined;
    const provider = `arn:${partition}:iam::${owner}:oidc-provider/${issuer}`;
    return lines({ Federated: policy['federated'] }, { Federated: provider });
  }
  if (fault === 'aud') {
    const [audience] = texts(facts['token_aud']);
    return lines({ [`${issuer}:aud`]: policy['aud'] }, { [`${issuer}:aud`]: audience });
  }
  const subject = text(facts, 'token_sub');
  if (subject === undefined) return undefined;
  const wanted = { [key === '' ? `${issuer}:sub` : key]: policy['sub'] };
  return lines({ [operator]: wanted }, { StringEquals: { [`${issuer}:sub`]: subject } });
}

/** An entry of a document, without the braces around it. */
function written(entry: unknown): string {
  return JSON.stringify(entry).slice(1, -1).replace(/":/g, '": ');
}
