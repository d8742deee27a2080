import { judge } from '../authorize.ts';
import { AwsFault } from '../fault.ts';
import { roleNameOf, sessionArn } from '../identity.ts';
import type { AwsContext, QueryOperation } from '../service.ts';
import { readSessionParams, sessionDuration } from './session-params.ts';

/**
 * A role taken on by a user or by another role. The trust policy must name the caller, or its account, in which case the
 * caller's own policies must allow it too.
 */
export function assumeRole(context: AwsContext): QueryOperation {
  const { clock, keys, iam } = context;
  return (params, { identity }) => {
    const session = readSessionParams(params);
    const tags = params.structures('Tags', ['Key', 'Value']);
    const externalId = params.optional('ExternalId');
    const role = iam.roles.get(roleNameOf(session.roleArn));
    const { decision } = judge(
      identity,
      'sts:AssumeRole',
      session.roleArn,
      {
        resourcePolicy: role?.trustPolicy,
        context: {
          'sts:RoleSessionName': session.sessionName,
          ...(externalId === undefined ? {} : { 'sts:ExternalId': externalId }),
        },
      },
      context,
    );
    const trusted = decision.reasons.some(
      ({ kind, applies, effect }) => kind === 'resource-based policy' && applies && effect === 'Allow',
    );
    if (role?.arn !== session.roleArn || !trusted || !decision.allowed) {
      throw new AwsFault(
        'AccessDenied',
        `User: ${identity.caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${session.roleArn}`,
        403,
      );
    }
    const expiresAt = clock.now() + sessionDuration(session, role) * 1000;
    const credentials = keys.createSession({
      roleArn: role.arn,
      roleId: role.id,
      sessionName: session.sessionName,
      expiresAt,
      ...(session.policy === undefined ? {} : { policy: session.policy }),
      context: Object.fromEntries(tags.map(({ Key, Value }) => [`aws:PrincipalTag/${Key}`, [Value]])),
    });
    return {
      AssumedRoleUser: {
        AssumedRoleId: `${role.id}:${session.sessionName}`,
        Arn: sessionArn(role, session.sessionName),
      },
      Credentials: {
        AccessKeyId: credentials.accessKeyId,
        SecretAccessKey: credentials.secretAccessKey,
        SessionToken: credentials.sessionToken,
        Expiration: new Date(expiresAt),
      },
    };
  };
}
