import { type Decision, decideByResource } from './decide.ts';
import type { Policy } from './policy-document.ts';
import { conditionContext } from './policy-variables.ts';

/** The claims of a web identity token that a trust policy can ask for. */
export interface WebIdentityClaims {
  /** Issuer with its scheme, as in the token. */
  iss: string;
  sub: string;
  /** The audience the token is presented for. */
  aud: string | readonly string[];
  amr?: readonly string[];
}

/** The issuer as condition keys and provider ARNs spell it: without scheme and without a slash at the end. */
export function issuerKey(issuer: string): string {
  return issuer.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

/** ARN of the OIDC provider of an issuer. */
export function oidcProviderArn(partition: string, account: string, issuer: string): string {
  return `arn:${partition}:iam::${account}:oidc-provider/${issuerKey(issuer)}`;
}

/** The condition keys of a web identity: `<issuer>:aud`, `<issuer>:sub`, `<issuer>:amr`. */
export function webIdentityContext({ iss, sub, aud, amr }: WebIdentityClaims) {
  const key = issuerKey(iss);
  return conditionContext({ [`${key}:sub`]: sub, [`${key}:aud`]: aud, [`${key}:amr`]: amr });
}

/**
 * Whether a role's trust policy lets a web identity assume it. STS itself only ever answers "Not authorized to perform
 * sts:AssumeRoleWithWebIdentity"; the reasons say which element of which statement differs. `request` has the condition keys of
 * the call besides the claims (`sts:RoleSessionName`, `aws:SourceIp` …).
 */
export function decideWebIdentity(
  trust: Policy,
  providerArn: string,
  claims: WebIdentityClaims,
  request: Readonly<Record<string, string>> = {},
): Decision {
  return decideByResource(
    {
      caller: { kind: 'federated', providerArn },
      action: 'sts:AssumeRoleWithWebIdentity',
      resource: '*',
      context: new Map([...conditionContext(request), ...webIdentityContext(claims)]),
    },
    trust,
  );
}
