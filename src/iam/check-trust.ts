import { isRecord } from '../base/json.ts';
import { type Policy, type PolicyDocument, parsePolicy } from './policy-document.ts';
import { decideWebIdentity, issuerKey, oidcProviderArn } from './trust.ts';
import { type ServiceAccountRef, serviceAccountSubject } from './trust-policy.ts';

export interface TrustQuestion {
  trust: PolicyDocument;
  partition: string;
  account: string;
  issuer: string;
  serviceAccount: ServiceAccountRef;
}

export interface TrustCheck {
  subject: string;
  allowed: boolean;
  reasons: string[];
}

/** Whether a trust policy lets a ServiceAccount take the role; STS never says why not, this does. */
export function checkTrust({ trust, partition, account, issuer, serviceAccount }: TrustQuestion): TrustCheck {
  const policy = parsePolicy(trust, 'trust', 'trust policy');
  const subject = serviceAccountSubject(serviceAccount);
  const provider = oidcProviderArn(partition, account, issuer);
  const claims = { iss: `https://${issuerKey(issuer)}`, sub: subject, aud: 'sts.amazonaws.com' };
  const decision = decideWebIdentity(policy, provider, claims);
  if (decision.allowed) return { subject, allowed: true, reasons: warnings(trust, policy) };
  const reasons = decision.reasons.flatMap(({ statement, effect, applies, mismatch }) => {
    if (applies) return effect === 'Deny' ? [`statement ${statement} denies it explicitly`] : [];
    return mismatch === undefined ? [] : [`statement ${statement}: ${mismatch.element}: ${mismatch.detail}`];
  });
  return { subject, allowed: false, reasons: [...reasons, ...warnings(trust, policy)] };
}

function warnings(trust: PolicyDocument, policy: Policy): string[] {
  const found: string[] = [];
  for (const statement of Array.isArray(trust.Statement) ? trust.Statement : [trust.Statement]) {
    const conditions = isRecord(statement.Condition) ? statement.Condition : {};
    const equals = Object.entries(conditions).filter(([operator]) => /^StringEquals/i.test(operator));
    for (const [key, value] of equals.flatMap(([, keys]) => Object.entries(keys))) {
      if (/:sub$/.test(key) && [value].flat().some((text) => /[*?]/.test(text))) {
        found.push(`${key}: StringEquals takes * literally; write StringLike for a pattern`);
      }
    }
    const federated = isRecord(statement.Principal) && statement.Principal['Federated'] !== undefined;
    const namesSubject = Object.values(conditions).some((keys) => Object.keys(keys).some((key) => /:sub$/.test(key)));
    if (federated && !namesSubject) found.push('no condition on :sub: every pod of the cluster may take the role');
  }
  if (policy.statements.length === 0) found.push('the trust policy has no statement');
  return found;
}
