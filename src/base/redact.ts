const urlUserInfo = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]+@/gi;
const authorization = /\b(authorization:?\s*)?(bearer|basic)\s+[a-z0-9+/._~=-]{8,}/gi;
const jwt = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;
const awsSecret =
  /((?:secret_?access_?key|session_?token|password|x-amz-security-token)["']?\s*[=:]\s*["']?)[^\s"'&,}]+/gi;

/** Replaces what must never be shown: user info of URLs, authorization values, JWTs, AWS secrets, password pairs. */
export function redact(text: string): string {
  return text
    .replace(urlUserInfo, '$1***@')
    .replace(authorization, (_, prefix: string | undefined, scheme: string) => `${prefix ?? ''}${scheme} ***`)
    .replace(jwt, '***')
    .replace(awsSecret, '$1***');
}
