import { isRecord } from '../../base/json.ts';
import type { Policy, PolicyDocument } from '../../iam/policy-document.ts';
import { issuerKey } from '../../iam/trust.ts';
import { text } from '../doctor/facts.ts';
import type { Facts } from '../doctor/rule.ts';
import type { ClusterReader } from './reader.ts';

/** What decides about a role: who may take it, and what it may do. */
export interface RoleDocuments {
  arn: string;
  trust: PolicyDocument;
  policies: Policy[];
  boundary?: Policy;
}

/** IAM as a diagnosis asks it; whoever has no AWS credentials gives none. */
export interface RoleReader {
  /** Throws where the role does not exist or may not be read. */
  role(name: string, signal: AbortSignal): Promise<RoleDocuments>;
}

/**
 * What IAM says of the role that a controller's ServiceAccount names, beside what the controller's token says; nothing where
 * there is no role, or nobody to ask (spec/failure-codes.md, "IAM and OIDC").
 */
export async function awsFacts(reader: ClusterReader, identity: Facts): Promise<Facts> {
  const arn = text(identity, 'sa_role_arn_annotation');
  const [, account, name] = /^arn:[\w-]+:iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(arn ?? '') ?? [];
  if (account === undefined || name === undefined) return {};
  const role = await reader.role(name);
  const issuer = await reader.issuer();
  const known = { role_account: account, ...(issuer !== undefined && { oidc_issuer: issuer }) };
  if (role === undefined) return known;
  const [namespace, serviceAccount] = (text(identity, 'controller_sa') ?? '').split('/');
  return {
    ...known,
    token_sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
    token_aud: ['sts.amazonaws.com'],
    iam_statements: role.policies.flatMap((policy) => statementsOf(policy)),
    ...trustFacts(role.trust, issuer),
  };
}

function statementsOf({ statements }: Policy) {
  return statements
    .filter(({ effect, actions }) => effect === 'Allow' && !actions.negated)
    .map(({ actions, resources }) => ({ actions: actions.patterns, resources: resources?.patterns ?? [] }));
}

/** The statement that is meant for this cluster: the one of its issuer, otherwise the first for a web identity. */
function trustFacts(trust: PolicyDocument, issuer: string | undefined): Facts {
  const listed = Array.isArray(trust.Statement) ? trust.Statement : [trust.Statement];
  const statements = listed.flatMap((statement) => {
    const federated = isRecord(statement?.Principal) ? statement.Principal['Federated'] : undefined;
    return typeof federated === 'string' ? [{ federated, condition: statement?.Condition }] : [];
  });
  const own = issuer === undefined ? undefined : `oidc-provider/${issuerKey(issuer)}`;
  const chosen = statements.find(({ federated }) => own !== undefined && federated.endsWith(own)) ?? statements[0];
  if (chosen === undefined) return {};
  const facts: Record<string, unknown> = { federated: chosen.federated };
  for (const [operator, entries] of Object.entries(isRecord(chosen.condition) ? chosen.condition : {})) {
    for (const [key, value] of Object.entries(isRecord(entries) ? entries : {})) {
      if (key.endsWith(':aud')) facts['aud'] = value;
      else Object.assign(facts, { operator, condition_key: key, sub: value });
    }
  }
  return { trust_policy: facts };
}
