import type { AwsContext, QueryService } from '../service.ts';
import { rolePolicyOperations, userPolicyOperations } from './entity-policies.ts';
import { oidcProviderOperations } from './oidc-providers.ts';
import { policyOperations } from './policies.ts';
import { policyVersionOperations } from './policy-versions.ts';
import { roleOperations } from './roles.ts';
import { simulateOperations } from './simulate.ts';
import { userOperations } from './users.ts';

/** Identity and Access Management. */
export function iamService(context: AwsContext): QueryService {
  return {
    protocol: 'query',
    name: 'iam',
    version: '2010-05-08',
    namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
    operations: {
      ...roleOperations(context),
      ...rolePolicyOperations(context),
      ...userOperations(context),
      ...userPolicyOperations(context),
      ...policyOperations(context),
      ...policyVersionOperations(context),
      ...oidcProviderOperations(context),
      ...simulateOperations(context),
    },
    unsigned: {},
  };
}
