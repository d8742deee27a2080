import { because, type Report, type Rule } from '../rule.ts';

export const webIdentityTokenInvalid: Rule = {
  code: 'web-identity-token-invalid',
  cause: "STS rejects the token itself: it is expired or malformed, or STS cannot fetch the issuer's keys.",
  fix: "Let the program reread the token file, check the clock, and check that the issuer's discovery document and keys can be fetched from the internet.",
  commands: [
    'kubectl -n $SA_NS create token $SA --audience sts.amazonaws.com',
    'curl $ISSUER/.well-known/openid-configuration',
  ],
  says: [
    [/ExpiredToken\w*: The security token included in the request is expired/i, 0.75],
    [/ExpiredTokenException: Token (expired|too old)|Token expired: current date/i, 0.95],
    [/Token too old|oidc: token is expired|not signed by a trusted key/i, 0.9],
    [/not a valid JWT/i, 0.96],
    [/Couldn't retrieve verification key/i, 0.96],
    [/Missing a required claim/i, 0.95],
    [
      /web identity token (provided )?(that was passed is expired|could not be validated|is (expired|malformed|not valid))/i,
      0.95,
    ],
    [/HTTPS certificate doesn't match configured thumbprint/i, 0.95],
    [/IDPRejectedClaim|IDPCommunicationError/i, 0.9],
    [/InvalidIdentityToken|DurationSeconds exceeds the MaxSessionDuration/i, 0.4],
    [/\bEOF\b|token|identity|credentials/i, 0],
  ],
  weigh,
  shows: (facts) =>
    facts['token_file_is_jwt'] === false || facts['token_expired'] === true
      ? 'the token has expired, or the file does not hold one'
      : undefined,
  examples: [
    {
      symptom: 'ExpiredTokenException: Token expired: current date/time 1 must be before the expiration date/time2',
      found: true,
    },
    { symptom: 'InvalidIdentityToken: The ID Token provided is not a valid JWT.', found: true },
    { symptom: 'InvalidIdentityToken: No OpenIDConnect provider found in your account', found: false },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  if (facts['token_file_is_jwt'] === false) return because(0.96, 'the token file does not hold a JWT');
  if (facts['token_expired'] === true) return because(Math.max(confidence, 0.9), 'the token has expired');
  return because(confidence);
}
