import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { malformed } from './malformed.ts';
import { type PolicyCondition, parseConditions } from './policy-condition.ts';
import { type PrincipalSet, parsePrincipals } from './policy-principal.ts';

/** A policy document as it is written: what builders make and what the IAM API takes as text. */
export interface PolicyDocument {
  Version: '2012-10-17' | '2008-10-17';
  Id?: string;
  Statement: PolicyStatement[];
}

export interface PolicyStatement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Principal?: '*' | Record<string, string | string[]>;
  NotPrincipal?: '*' | Record<string, string | string[]>;
  Action?: string | string[];
  NotAction?: string | string[];
  Resource?: string | string[];
  NotResource?: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

/**
 * What a document is attached to: an identity (no Principal, needs Resource), a resource (needs Principal; Resource may
 * be left out where the policy belongs to exactly one resource) or a role as its trust policy (no Resource).
 */
export type PolicyUse = 'identity' | 'resource' | 'trust';

/** A policy that was read and checked, ready to be evaluated. */
export interface Policy {
  /** How the policy is called in reasons: its ARN or name. */
  name: string;
  /** Whether `${…}` are policy variables. */
  variables: boolean;
  statements: readonly Statement[];
}

export interface Statement {
  /** The statement's Sid, or its position from 0 in brackets. */
  label: string;
  effect: 'Allow' | 'Deny';
  principals?: { negated: boolean; set: PrincipalSet };
  actions: { negated: boolean; patterns: readonly string[] };
  /** Undefined where the document has neither Resource nor NotResource: the statement is about whatever it is attached to. */
  resources?: { negated: boolean; patterns: readonly string[] };
  conditions: readonly PolicyCondition[];
}

const documentFields = new Set(['Version', 'Id', 'Statement']);
const statementFields = new Set([
  ...['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'],
]);

/**
 * Reads a policy document, given as JSON text or as the object it stands for. Throws IAM_POLICY_MALFORMED with the words
 * of IAM's own MalformedPolicyDocument error where IAM would refuse it.
 */
export function parsePolicy(document: string | PolicyDocument, use: PolicyUse, name = 'policy'): Policy {
  const value = typeof document === 'string' ? parseJson(document) : document;
  if (!isRecord(value) || Object.keys(value).some((field) => !documentFields.has(field))) {
    throw malformed('Syntax errors in policy.');
  }
  const version = value['Version'] ?? '2008-10-17';
  if (version !== '2012-10-17' && version !== '2008-10-17') throw malformed('Syntax errors in policy.');
  const listed = Array.isArray(value['Statement']) ? value['Statement'] : [value['Statement']];
  if (listed.length === 0) throw malformed('Syntax errors in policy.');
  const statements = listed.map((statement, index) => parseStatement(statement, index, use));
  requireUniqueSids(listed);
  return { name, variables: version === '2012-10-17', statements };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MillraceError('IAM_POLICY_MALFORMED', 'This policy contains invalid Json', { cause, retry: 'never' });
  }
}

function parseStatement(value: unknown, index: number, use: PolicyUse): Statement {
  if (!isRecord(value) || Object.keys(value).some((field) => !statementFields.has(field))) {
    throw malformed('Syntax errors in policy.');
  }
  const { Sid: sid, Effect: effect, Condition: condition } = value;
  if (effect !== 'Allow' && effect !== 'Deny') throw malformed('Syntax errors in policy.');
  if (sid !== undefined && (typeof sid !== 'string' || (use === 'identity' && !/^[0-9A-Za-z]*$/.test(sid)))) {
    throw malformed(
      'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*',
    );
  }
  const statement: Statement = {
    label: typeof sid === 'string' && sid !== '' ? sid : `[${index}]`,
    effect,
    actions: parseActions(value, use),
    conditions: parseConditions(condition),
  };
  const principals = parseStatementPrincipals(value, use);
  if (principals !== undefined) statement.principals = principals;
  const resources = parseResources(value, use);
  if (resources !== undefined) statement.resources = resources;
  return statement;
}

function parseActions(value: Record<string, unknown>, use: PolicyUse): Statement['actions'] {
  const { patterns, negated } = eitherList(value, 'Action', 'NotAction') ?? {};
  if (patterns === undefined || negated === undefined) throw malformed('Policy statement must contain actions.');
  for (const action of patterns) {
    if (action === '*') continue;
    if (!action.includes(':'))
      throw malformed('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
    if (!/^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$/.test(action)) throw malformed('Syntax errors in policy.');
    if (use === 'trust' && !/^sts:/i.test(action)) {
      throw malformed('AssumeRole policy may only specify STS AssumeRole actions.');
    }
  }
  return { patterns, negated };
}

function parseResources(value: Record<string, unknown>, use: PolicyUse): Statement['resources'] {
  const resources = eitherList(value, 'Resource', 'NotResource');
  if (use === 'trust') {
    if (resources !== undefined) throw malformed('Has prohibited field Resource');
    return undefined;
  }
  if (resources === undefined) {
    if (use === 'identity') throw malformed('Policy statement must contain resources.');
    return undefined;
  }
  for (const resource of resources.patterns) {
    if (resource !== '*' && !/^arn:[^:]+:[^:]+/.test(resource)) {
      throw malformed(`Resource ${resource} must be in ARN format or "*".`);
    }
  }
  return resources;
}

function parseStatementPrincipals(value: Record<string, unknown>, use: PolicyUse): Statement['principals'] {
  const negated = value['NotPrincipal'] !== undefined;
  const written = negated ? value['NotPrincipal'] : value['Principal'];
  if (use === 'identity') {
    if (written !== undefined) throw malformed('Policy document should not specify a principal.');
    return undefined;
  }
  if (written === undefined) throw malformed('Missing required field Principal');
  if (negated && value['Principal'] !== undefined) throw malformed('Syntax errors in policy.');
  return { negated, set: parsePrincipals(written) };
}

/** Exactly one of an element and its negation, as a list of strings. */
function eitherList(value: Record<string, unknown>, plain: string, negation: string) {
  const negated = value[negation] !== undefined;
  const written = negated ? value[negation] : value[plain];
  if (written === undefined) return undefined;
  if (negated && value[plain] !== undefined) throw malformed('Syntax errors in policy.');
  const patterns: unknown[] = Array.isArray(written) ? written : [written];
  if (!patterns.every((pattern) => typeof pattern === 'string')) throw malformed('Syntax errors in policy.');
  return { negated, patterns };
}

function requireUniqueSids(statements: readonly unknown[]): void {
  const sids = statements.flatMap((statement) =>
    isRecord(statement) && typeof statement['Sid'] === 'string' && statement['Sid'] !== '' ? [statement['Sid']] : [],
  );
  if (new Set(sids).size !== sids.length) {
    throw malformed('Statement IDs (SID) in a single policy must be unique.');
  }
}
