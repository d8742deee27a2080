import type { Rule } from '../rule.ts';

export const rbacForbidden: Rule = {
  code: 'rbac-forbidden',
  cause: 'The account that applies lacks a permission in the cluster.',
  fix: 'Give the account that the message names a Role with the verb and resource, or impersonate one that has it.',
  commands: ['kubectl auth can-i $VERB $RESOURCE --as $USER -n $RBAC_NS'],
  says: [
    [/is forbidden: User "[^"]+" cannot/i, 0.96],
    [/attempting to grant RBAC permissions not currently held/i, 0.95],
    [/cannot impersonate|cannot set blockOwnerDeletion/i, 0.9],
    [/You must be logged in to the server/i, 0.8],
    [/serviceaccounts? "[^"]+" not found|service ?account ('?\S+ )?(not found|does not exist)/i, 0.7],
    [/User "system:(serviceaccount|anonymous)[^"]*" cannot/i, 0.94],
  ],
  shows: (facts) =>
    facts['service_account_exists'] === false ? 'the ServiceAccount to be impersonated does not exist' : undefined,
  examples: [
    {
      symptom: 'namespaces "x" is forbidden: User "system:serviceaccount:a:b" cannot patch resource "namespaces"',
      found: true,
    },
  ],
};
