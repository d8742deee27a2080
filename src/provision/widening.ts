import { isMillraceError } from '../base/error.ts';
import { deepEqual } from '../base/json.ts';
import { decide, decideByResource } from '../iam/decide.ts';
import { type Policy, type PolicyDocument, type PolicyUse, parsePolicy } from '../iam/policy-document.ts';
import { conditionContext } from '../iam/policy-variables.ts';
import { decideWebIdentity } from '../iam/trust.ts';

/** What of `next` the policy `current` does not allow, as `action on resource`. A grant under a condition counts as none. */
export function widenedGrants(current: PolicyDocument, next: PolicyDocument): string[] {
  const policy = readPolicy(current, 'identity');
  const caller = { kind: 'session' as const, arn: '', account: '', roleArn: '' };
  const grants = next.Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action, Resource }) =>
    [Action ?? []].flat().flatMap((action) => [Resource ?? []].flat().map((resource) => ({ action, resource }))),
  );
  // A pattern is covered where the current patterns match it as text: its stars are characters like any others.
  const widened = grants.filter(
    ({ action, resource }) =>
      !decide({ caller, action, resource, context: conditionContext({}) }, { identity: [policy] }).allowed,
  );
  return [...widened.map(({ action, resource }) => `${action} on ${resource}`), ...liftedDenials(current, next)];
}

/** The subjects of web identities, and the services, that a new trust policy lets in and the current one does not. */
export function widenedSubjects(current: PolicyDocument, next: PolicyDocument): string[] {
  const policy = readPolicy(current, 'trust');
  const widened = next.Statement.flatMap(({ Principal, Action, Condition }) => {
    if (typeof Principal !== 'object') return [];
    const context = conditionContext({});
    const services = [Principal['Service'] ?? []].flat().filter((name) => {
      const caller = { kind: 'service' as const, name };
      const mayAll = [Action ?? []]
        .flat()
        .every((action) => decideByResource({ caller, action, resource: '*', context }, policy).allowed);
      return !mayAll;
    });
    const [provider] = [Principal['Federated'] ?? []].flat();
    if (provider === undefined) return services;
    const issuer = provider.slice(provider.indexOf('oidc-provider/') + 'oidc-provider/'.length);
    const subjects = Object.values(Condition ?? {}).flatMap((keys) => [keys[`${issuer}:sub`] ?? []].flat());
    return subjects.filter((sub) => {
      const claims = { iss: `https://${issuer}`, sub, aud: 'sts.amazonaws.com' };
      return !decideWebIdentity(policy, provider, claims).allowed;
    });
  });
  return [...widened, ...liftedDenials(current, next)];
}

/** What the policy of a queue would let EventBridge's rule do that it may not do now. `current` is undefined where there is none. */
export function widenedSenders(
  current: PolicyDocument | undefined,
  next: PolicyDocument,
  { ruleArn, queueArn }: { ruleArn: string; queueArn: string },
): string[] {
  const sends = {
    caller: { kind: 'service' as const, name: 'events.amazonaws.com' },
    action: 'sqs:SendMessage',
    resource: queueArn,
    context: conditionContext({ 'aws:SourceArn': ruleArn }),
  };
  const may = current !== undefined && decideByResource(sends, readPolicy(current, 'resource')).allowed;
  return [
    ...(may ? [] : [`sqs:SendMessage by ${ruleArn}`]),
    ...(current === undefined ? [] : liftedDenials(current, next)),
  ];
}

/** A Deny that is gone allows whatever it denied. */
function liftedDenials(current: PolicyDocument, next: PolicyDocument): string[] {
  const lifted = [current.Statement]
    .flat()
    .filter(({ Effect }) => Effect === 'Deny')
    .filter((statement) => !next.Statement.some((each) => deepEqual(each, statement)));
  return lifted.map((statement) => `what is denied now by ${statement.Sid ?? JSON.stringify(statement)}`);
}

/** A document that IAM holds and nobody can evaluate (a principal that was deleted, say) is taken to allow nothing. */
function readPolicy(document: PolicyDocument, use: PolicyUse): Policy {
  try {
    return parsePolicy(document, use, 'current');
  } catch (error) {
    if (isMillraceError(error, 'IAM_POLICY_MALFORMED')) return { name: 'current', variables: false, statements: [] };
    throw error;
  }
}
