import { isAbortError } from '../base/deadline.ts';
import { errorMessage, isMillraceError, MillraceError } from '../base/error.ts';

/**
 * Turns what the AWS SDK threw into an error of ours: AWS's code and message are kept, the operation goes before them,
 * and the hint says what usually causes it (spec/provisioning.md §9, §10). `who` names the caller or the role; `hint` takes the
 * place of the usual one.
 */
export function awsError(error: unknown, operation: string, who: string, hint?: string): unknown {
  const isUnanswered = isMillraceError(error, 'HTTP_UNREACHABLE');
  if ((error instanceof MillraceError && !isUnanswered) || isAbortError(error)) return error;
  const status = statusOf(error);
  if (status === undefined) {
    return new MillraceError('AWS_UNREACHABLE', `${operation} for ${who}: ${errorMessage(error)}`, {
      cause: error,
      hint: 'Check name resolution, egress rules, proxy and VPC endpoints for the regional service.',
    });
  }
  const code = error instanceof Error ? error.name : 'Unknown';
  const message = errorMessage(error);
  const rule = rules.find((candidate) => candidate.code.test(code) && (candidate.message?.test(message) ?? true));
  return new MillraceError('AWS_REFUSED', `${operation} for ${who}: ${code}: ${message} (HTTP ${status})`, {
    cause: error,
    ...((hint ?? rule?.hint) !== undefined && { hint: hint ?? rule?.hint }),
  });
}

/** AWS's own error code (`AccessDenied`, `ThrottlingException` …) behind an error of awsError. */
export function awsErrorCode(error: unknown): string | undefined {
  if (!(error instanceof MillraceError) || error.code !== 'AWS_REFUSED') return undefined;
  return error.cause instanceof Error ? error.cause.name : undefined;
}

function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata;
  return metadata?.httpStatusCode;
}

interface HintRule {
  code: RegExp;
  message?: RegExp;
  hint: string;
}

const rules: readonly HintRule[] = [
  {
    code: /^AccessDenied/,
    message: /AssumeRoleWithWebIdentity/,
    hint: "The role does not exist, or its trust policy does not name this cluster's OIDC provider, the audience sts.amazonaws.com and exactly this ServiceAccount (system:serviceaccount:NAMESPACE:NAME).",
  },
  {
    code: /^InvalidIdentityToken/,
    message: /No OpenIDConnect provider found/,
    hint: "Create the IAM OIDC provider for the cluster's issuer in the account of the role.",
  },
  {
    code: /^InvalidIdentityToken/,
    message: /audience/i,
    hint: 'Add sts.amazonaws.com to the client IDs of the IAM OIDC provider.',
  },
  {
    code: /^InvalidIdentityToken/,
    message: /verification key/,
    hint: "STS could not read the issuer's keys: the discovery document and its JWKS must be public. On a new cluster wait a minute.",
  },
  {
    code: /^(?:InvalidIdentityToken|IDPRejectedClaim)/,
    hint: "The token was not issued by this OIDC provider's issuer, or its signature does not fit the issuer's present keys.",
  },
  {
    code: /^ExpiredToken/,
    hint: 'The token or the session has expired; if it is new, check the clock of this machine.',
  },
  { code: /^IDPCommunicationError/, hint: 'STS could not reach the issuer; usually this passes.' },
  { code: /^RegionDisabled/, hint: 'Activate STS in this region in the IAM console.' },
  { code: /^Throttling/, hint: 'AWS limits the rate of these calls; they are retried with growing delays.' },
  {
    code: /^AccessDenied/,
    message: /ecr:GetAuthorizationToken/,
    hint: 'Allow ecr:GetAuthorizationToken on resource "*"; it takes no repository.',
  },
  { code: /^AccessDenied/, hint: 'Add the action that the message names to the policy of this identity.' },
  {
    code: /^(?:UnrecognizedClient|InvalidClientTokenId|SignatureDoesNotMatch|InvalidSignature)/,
    hint: 'The credentials are not valid in this partition or account, or the clock of this machine is wrong.',
  },
];
