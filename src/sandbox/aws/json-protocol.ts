import type { AwsFault } from './fault.ts';

/** The JSON services' own names for faults that all services share, with their HTTP status. */
const jsonNames: Readonly<Record<string, { code: string; status: number; message?: string }>> = {
  MissingAuthenticationToken: {
    code: 'MissingAuthenticationTokenException',
    status: 400,
    message: 'Missing Authentication Token',
  },
  IncompleteSignature: { code: 'IncompleteSignatureException', status: 400 },
  InvalidClientTokenId: { code: 'UnrecognizedClientException', status: 400 },
  SignatureDoesNotMatch: { code: 'InvalidSignatureException', status: 400 },
  ExpiredToken: { code: 'ExpiredTokenException', status: 400 },
  AccessDenied: { code: 'AccessDeniedException', status: 400 },
  Throttling: { code: 'ThrottlingException', status: 400 },
};

export interface JsonError {
  code: string;
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** `queryCodes` are the names that clients of the older query protocol know an error by. */
export function jsonError(fault: AwsFault, queryCodes: Readonly<Record<string, string>> = {}): JsonError {
  const named = jsonNames[fault.code];
  const code = named?.code ?? fault.code;
  const status = named?.status ?? fault.status;
  const message = named?.message ?? fault.message;
  const queryCode = queryCodes[code];
  return {
    code,
    status,
    headers: queryCode === undefined ? {} : { 'x-amzn-query-error': `${queryCode};Sender` },
    body: JSON.stringify({ __type: code, message }),
  };
}
