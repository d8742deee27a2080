import { describe, expect, test } from 'vitest';
import { parsePolicy } from './policy-document.ts';
import { decideWebIdentity, issuerKey, oidcProviderArn } from './trust.ts';
import { type IrsaTrust, irsaTrustPolicy, podIdentityTrustPolicy } from './trust-policy.ts';

const issuer = 'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E';
const providerArn = oidcProviderArn('aws', '111122223333', issuer);
const claims = {
  iss: issuer,
  sub: 'system:serviceaccount:flux-system:image-reflector-controller',
  aud: ['sts.amazonaws.com'],
};
const serviceAccounts = [{ namespace: 'flux-system', name: 'image-reflector-controller' }];

function decide(trust: Partial<IrsaTrust>, changes: Partial<typeof claims> = {}) {
  const document = irsaTrustPolicy([{ providerArn, issuer, serviceAccounts, ...trust }]);
  return decideWebIdentity(parsePolicy(document, 'trust'), providerArn, { ...claims, ...changes });
}

test('the provider ARN and the condition keys end alike', () => {
  expect(providerArn).toBe(`arn:aws:iam::111122223333:oidc-provider/${issuerKey(issuer)}`);
});

describe('a trust policy for IRSA', () => {
  test.each([
    ['lets its ServiceAccount in', decide({}), true],
    ['not another ServiceAccount', decide({}, { sub: 'system:serviceaccount:flux-system:other' }), false],
    ['not another namespace', decide({}, { sub: 'system:serviceaccount:apps:image-reflector-controller' }), false],
    ['not another audience', decide({}, { aud: ['https://kubernetes.default.svc'] }), false],
    ['one of several audiences', decide({}, { aud: ['other', 'sts.amazonaws.com'] }), true],
    ['not by another provider', decide({ providerArn: oidcProviderArn('aws', '111122223333', 'https://x') }), false],
    ['patterns of names', decide({ serviceAccounts: [{ namespace: 'flux-system', name: '*' }] }), true],
    [
      'one of several ServiceAccounts',
      decide({ serviceAccounts: [{ namespace: 'a', name: 'b' }, ...serviceAccounts] }),
      true,
    ],
  ])('%s', (_, { allowed }, want) => expect(allowed).toBe(want));
});

test('the reason names the claim that differs', () => {
  const { reasons } = decide({}, { sub: 'system:serviceaccount:apps:image-reflector-controller' });
  expect(reasons[0]?.mismatch).toEqual({
    element: 'Condition',
    detail: `StringEquals on "${issuerKey(issuer)}:sub": the request has "system:serviceaccount:apps:image-reflector-controller", the policy wants "system:serviceaccount:flux-system:image-reflector-controller"`,
  });
});

test('a pattern needs StringLike, and gets it', () => {
  const document = irsaTrustPolicy([{ providerArn, issuer, serviceAccounts: [{ namespace: 'flux-*', name: '*' }] }]);
  expect(document.Statement[0]?.Condition).toEqual({
    StringEquals: { [`${issuerKey(issuer)}:aud`]: 'sts.amazonaws.com' },
    StringLike: { [`${issuerKey(issuer)}:sub`]: ['system:serviceaccount:flux-*:*'] },
  });
});

test('the trust policy for Pod Identity is one', () => {
  expect(parsePolicy(podIdentityTrustPolicy(), 'trust').statements).toHaveLength(1);
});
