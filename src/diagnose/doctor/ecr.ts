import { isRecord } from '../../base/json.ts';
import { matchesWildcards, parseWildcards } from '../../iam/wildcard.ts';
import { text, texts } from './facts.ts';
import type { Facts } from './rule.ts';

export interface EcrDenial {
  action: string;
  /** ARN of the repository, where the message names it. */
  resource: string | undefined;
  /** Which side's policy is at fault, where the message says so. */
  side: 'identity' | 'resource' | undefined;
}

/** Reads AWS's access denied message about an ECR call (spec/provisioning.md §10). */
export function ecrDenial(symptom: string): EcrDenial | undefined {
  const action =
    /(?:not authorized to perform:? ?|policy allows the )(ecr:\w+)/i.exec(symptom)?.[1] ?? actionOfOperation(symptom);
  if (action === undefined) return undefined;
  const resource = /arn:aws[\w-]*:ecr:[\w-]*:\d*:repository\/[\w./-]+/.exec(symptom)?.[0];
  const side = /no identity-based policy/i.test(symptom)
    ? 'identity'
    : /no resource-based policy/i.test(symptom)
      ? 'resource'
      : undefined;
  return { action, resource, side };
}

function actionOfOperation(symptom: string): string | undefined {
  const operation = /AccessDenied(?:Exception)?\)? when calling the (\w+) operation/i.exec(symptom)?.[1];
  return operation !== undefined && ecrOperations.has(operation) ? `ecr:${operation}` : undefined;
}

const ecrOperations = new Set([
  'BatchCheckLayerAvailability',
  'BatchGetImage',
  'DescribeImages',
  'DescribeRepositories',
  'GetAuthorizationToken',
  'GetDownloadUrlForLayer',
  'ListImages',
]);

/** Whether the role's statements, where known, allow the action anywhere and on this repository. */
export function statementsOn(facts: Facts, denial: EcrDenial): { anywhere: boolean; resources: string[] } | undefined {
  const statements = facts['iam_statements'];
  if (!Array.isArray(statements)) return undefined;
  const allowing = statements.filter(
    (statement) =>
      isRecord(statement) && texts(statement['actions']).some((action) => matchesPattern(action, denial.action)),
  );
  return { anywhere: allowing.length > 0, resources: allowing.flatMap((statement) => texts(statement['resources'])) };
}

/** IAM's wildcards: plain text matching, `*` crosses `/`; actions compare without regard to case. */
export function matchesPattern(pattern: string, value: string): boolean {
  return matchesWildcards(parseWildcards(pattern), value, { ignoreCase: true });
}

/** Whether caller and registry are known to be in different accounts, from the facts or the ARNs of the message. */
export function isForeignAccount(facts: Facts, symptom = ''): boolean {
  const named = /arn:aws[\w-]*:(?:sts|iam)::(\d{12}):[\s\S]*arn:aws[\w-]*:ecr:[\w-]*:(\d{12}):/.exec(symptom);
  if (named !== null && named[1] !== named[2]) return true;
  const caller = text(facts, 'caller_account');
  const registry = text(facts, 'registry_account');
  return caller !== undefined && registry !== undefined && caller !== registry;
}
