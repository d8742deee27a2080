import { decideByResource } from '../../../iam/decide.ts';
import { type Policy, parsePolicy } from '../../../iam/policy-document.ts';
import { conditionContext } from '../../../iam/policy-variables.ts';
import { AwsFault } from '../fault.ts';
import { roleNameOf } from '../identity.ts';
import type { UnsignedRoute } from '../service.ts';
import { noVerificationKey, readToken, requireCurrent, verifySignature } from '../sts/web-identity-token.ts';
import { clusterArn, type EksContext } from './eks-context.ts';
import { findAssociation } from './pod-identity.ts';

const audience = 'pods.eks.amazonaws.com';
const lifetimeMs = 6 * 3_600_000;

/**
 * What the EKS Pod Identity Agent answers on a node: a pod shows its ServiceAccount token and gets the credentials of the role
 * that is associated with it, with session tags that say which pod it is (spec/provisioning.md §7). SDKs are pointed here by
 * AWS_CONTAINER_CREDENTIALS_FULL_URI.
 */
export function podIdentityAgent(context: EksContext): UnsignedRoute {
  const { account, clock, cluster, iam, keys, verificationKeys } = context;
  return {
    method: 'GET',
    path: /^\/v1\/credentials$/,
    async run(headers, signal) {
      if (cluster === undefined) throw accessDenied('There is no cluster.');
      const token = readToken(String(headers.authorization ?? ''));
      const { iss, sub, aud } = token.claims;
      if (iss !== cluster.issuer) throw accessDenied(`Issuer ${iss} is not that of cluster ${cluster.name}.`);
      const issuerKeys = await verificationKeys.fetch(iss, token.keyId, signal).catch(() => {
        throw noVerificationKey();
      });
      await verifySignature(token, issuerKeys);
      requireCurrent(token, clock.now());
      if (!aud.includes(audience)) throw accessDenied(`Token audience must be ${audience}.`);
      const [, , namespace = '', name = ''] = sub.split(':');
      const association = findAssociation(context, cluster.name, { namespace, name });
      if (association === undefined) {
        throw accessDenied(`No pod identity association for ServiceAccount ${namespace}/${name}.`);
      }
      const role = iam.roles.get(roleNameOf(association.roleArn));
      if (role?.arn !== association.roleArn || !isTrusted(parsePolicy(role.trustPolicy, 'trust'), role.arn)) {
        throw accessDenied('Unauthorized Exception! EKS does not have permissions to assume the associated role.');
      }
      const expiresAt = clock.now() + lifetimeMs;
      const tags = {
        'eks-cluster-arn': clusterArn(context, cluster.name),
        'eks-cluster-name': cluster.name,
        'kubernetes-namespace': namespace,
        'kubernetes-service-account': name,
      };
      const credentials = keys.createSession({
        roleArn: role.arn,
        roleId: role.id,
        sessionName: `eks-${cluster.name}-${name}`.slice(0, 64),
        expiresAt,
        context: Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, [value]])),
      });
      return {
        AccessKeyId: credentials.accessKeyId,
        SecretAccessKey: credentials.secretAccessKey,
        Token: credentials.sessionToken,
        AccountId: account.id,
        Expiration: new Date(expiresAt).toISOString(),
      };
    },
  };
}

/** Both actions are needed: EKS assumes the role and tags the session. */
function isTrusted(trust: Policy, roleArn: string): boolean {
  return ['sts:AssumeRole', 'sts:TagSession'].every((action) => {
    const caller = { kind: 'service', name: audience } as const;
    return decideByResource({ caller, action, resource: roleArn, context: conditionContext({}) }, trust).allowed;
  });
}

function accessDenied(message: string): AwsFault {
  return new AwsFault('AccessDeniedException', message, 400);
}
