import type { PolicyDocument, PolicyStatement } from './policy-document.ts';
import { issuerKey } from './trust.ts';

/** A ServiceAccount of a cluster, as trust policies name it. */
export interface ServiceAccountRef {
  namespace: string;
  name: string;
}

export function serviceAccountSubject({ namespace, name }: ServiceAccountRef): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

export interface IrsaTrust {
  providerArn: string;
  /** The cluster's issuer, with or without its scheme. */
  issuer: string;
  serviceAccounts: readonly ServiceAccountRef[];
  /** Default `sts.amazonaws.com`. */
  audience?: string;
}

/**
 * The trust policy of an IRSA role (spec/provisioning.md §4). A `*` in a namespace or name makes the subjects patterns, which need
 * StringLike; StringEquals would take the star literally.
 */
export function irsaTrustPolicy(trusts: readonly IrsaTrust[]): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: trusts.map(
      ({ providerArn, issuer, serviceAccounts, audience = 'sts.amazonaws.com' }): PolicyStatement => {
        const key = issuerKey(issuer);
        const subjects = serviceAccounts.map(serviceAccountSubject);
        const aud = { [`${key}:aud`]: audience };
        const sub = { [`${key}:sub`]: subjects };
        return {
          Effect: 'Allow',
          Principal: { Federated: providerArn },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: subjects.some((subject) => /[*?]/.test(subject))
            ? { StringEquals: aud, StringLike: sub }
            : { StringEquals: { ...aud, ...sub } },
        };
      },
    ),
  };
}

/** The trust policy of a role for EKS Pod Identity (spec/provisioning.md §7). */
export function podIdentityTrustPolicy(): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'pods.eks.amazonaws.com' },
        Action: ['sts:AssumeRole', 'sts:TagSession'],
      },
    ],
  };
}
