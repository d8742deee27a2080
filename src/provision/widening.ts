import { decide } from '../iam/decide.ts';
import { type PolicyDocument, parsePolicy } from '../iam/policy-document.ts';
import { conditionContext } from '../iam/policy-variables.ts';
import { decideWebIdentity } from '../iam/trust.ts';

/** What of `next` the policy `current` does not allow, as `action on resource`. A grant under a condition counts as none. */
export function widenedGrants(current: PolicyDocument, next: PolicyDocument): string[] {
  const policy = parsePolicy(current, 'identity', 'current');
  const caller = { kind: 'session' as const, arn: '', account: '', roleArn: '' };
  const grants = next.Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action, Resource }) =>
    [Action ?? []].flat().flatMap((action) => [Resource ?? []].flat().map((resource) => ({ action, resource }))),
  );
  // A pattern is covered where the current patterns match it as text: its stars are characters like any others.
  return grants
    .filter(
      ({ action, resource }) =>
        !decide({ caller, action, resource, context: conditionContext({}) }, { identity: [policy] }).allowed,
    )
    .map(({ action, resource }) => `${action} on ${resource}`);
}

/** The subjects of web identities, and the services, that a new trust policy lets in and the current one does not. */
export function widenedSubjects(current: PolicyDocument, next: PolicyDocument): string[] {
  const policy = parsePolicy(current, 'trust', 'current');
  return next.Statement.flatMap(({ Principal, Condition }) => {
    const services = typeof Principal === 'object' ? [Principal['Service'] ?? []].flat() : [];
    const known = current.Statement.flatMap((each) =>
      typeof each.Principal === 'object' && each.Effect === 'Allow' ? [each.Principal['Service'] ?? []].flat() : [],
    );
    if (services.length > 0) return services.filter((service) => !known.includes(service));
    const provider = typeof Principal === 'object' ? [Principal['Federated'] ?? []].flat()[0] : undefined;
    if (provider === undefined) return [];
    const issuer = provider.slice(provider.indexOf('oidc-provider/') + 'oidc-provider/'.length);
    const subjects = Object.values(Condition ?? {}).flatMap((keys) => [keys[`${issuer}:sub`] ?? []].flat());
    return subjects.filter((sub) => {
      const claims = { iss: `https://${issuer}`, sub, aud: 'sts.amazonaws.com' };
      return !decideWebIdentity(policy, provider, claims).allowed;
    });
  });
}
