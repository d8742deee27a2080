import { formatTime } from '../../../base/clock.ts';
import { parsePolicy } from '../../../iam/policy-document.ts';
import type { ConditionContext } from '../../../iam/policy-variables.ts';
import { decideWebIdentity, oidcProviderArn, webIdentityContext } from '../../../iam/trust.ts';
import { AwsFault, validationFault } from '../fault.ts';
import { roleNameOf, sessionArn } from '../identity.ts';
import type { AwsContext, UnsignedOperation } from '../service.ts';
import { readSessionParams, sessionDuration } from './session-params.ts';
import type { VerificationKeys } from './verification-keys.ts';
import { invalidToken, noVerificationKey, readToken, requireCurrent, verifySignature } from './web-identity-token.ts';

/**
 * Exchanges a web identity token for a role's temporary credentials (spec/provisioning.md §9): the token's issuer must be an
 * OIDC provider of the account, its signature, times and audience right, and the role's trust policy must let it in.
 */
export function assumeRoleWithWebIdentity(
  { account, clock, keys, iam }: AwsContext,
  verificationKeys: VerificationKeys,
): UnsignedOperation {
  return async (params, _requestId, signal) => {
    const session = readSessionParams(params);
    const webIdentityToken = params.required('WebIdentityToken');
    if (webIdentityToken.length < 4 || webIdentityToken.length > 20_000) {
      throw validationFault('***', 'webIdentityToken', 'Member must have length between 4 and 20000');
    }
    const token = readToken(webIdentityToken);
    const { iss, sub, aud } = token.claims;

    const roleAccount = session.roleArn.split(':')[4] ?? '';
    const provider = iam.oidcProviders.get(oidcProviderArn(account.partition, roleAccount, iss));
    if (provider === undefined) throw invalidToken(`No OpenIDConnect provider found in your account for ${iss}`);

    const issuerKeys = await verificationKeys.fetch(iss, token.keyId, signal).catch(() => {
      throw noVerificationKey();
    });
    await verifySignature(token, issuerKeys);
    requireCurrent(token, clock.now());
    const audience = aud.find((value) => provider.clientIds.includes(value));
    if (audience === undefined) throw invalidToken('Incorrect token audience');

    const role = iam.roles.get(roleNameOf(session.roleArn));
    const trusted =
      role?.arn === session.roleArn &&
      decideWebIdentity(
        parsePolicy(role.trustPolicy, 'trust', 'trust policy'),
        provider.arn,
        { iss, sub, aud },
        {
          'sts:RoleSessionName': session.sessionName,
          'aws:FederatedProvider': provider.arn,
          'aws:RequestedRegion': account.region,
          'aws:SourceIp': '127.0.0.1',
          'aws:CurrentTime': formatTime(clock.now()),
        },
      ).allowed;
    if (role === undefined || !trusted) {
      throw new AwsFault('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity', 403);
    }

    const expiresAt = clock.now() + sessionDuration(session, role) * 1000;
    const credentials = keys.createSession({
      roleArn: role.arn,
      roleId: role.id,
      sessionName: session.sessionName,
      expiresAt,
      ...(session.policy === undefined ? {} : { policy: session.policy }),
      context: { ...plain(webIdentityContext(token.claims)), 'aws:FederatedProvider': [provider.arn] },
    });
    return {
      Audience: audience,
      AssumedRoleUser: {
        AssumedRoleId: `${role.id}:${session.sessionName}`,
        Arn: sessionArn(role, session.sessionName),
      },
      Provider: provider.arn,
      Credentials: {
        AccessKeyId: credentials.accessKeyId,
        SecretAccessKey: credentials.secretAccessKey,
        SessionToken: credentials.sessionToken,
        Expiration: new Date(expiresAt),
      },
      SubjectFromWebIdentityToken: sub,
    };
  };
}

function plain(context: ConditionContext): Record<string, string[]> {
  return Object.fromEntries([...context].map(([key, values]) => [key, [...values]]));
}
