import { userId } from '../identity.ts';
import type { AwsContext, QueryOperation, QueryService } from '../service.ts';
import { assumeRole } from './assume-role.ts';
import { assumeRoleWithWebIdentity } from './assume-role-with-web-identity.ts';
import type { VerificationKeys } from './verification-keys.ts';

/** The Security Token Service. */
export function stsService(context: AwsContext, verificationKeys: VerificationKeys): QueryService {
  return {
    protocol: 'query',
    name: 'sts',
    version: '2011-06-15',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    operations: {
      AssumeRole: assumeRole(context),
      GetCallerIdentity: getCallerIdentity(context),
    },
    unsigned: {
      AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity(context, verificationKeys),
    },
  };
}

/** No policy can forbid this call. */
function getCallerIdentity({ account }: AwsContext): QueryOperation {
  return (_params, { identity }) => ({ UserId: userId(identity), Account: account.id, Arn: identity.caller.arn });
}
