import type { AwsFault } from './fault.ts';
import type { JsonService } from './service.ts';

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
  status: number;
  headers: Record<string, string>;
  body: string;
}

export function jsonError(service: JsonService, fault: AwsFault): JsonError {
  const named = jsonNames[fault.code];
  const code = named?.code ?? fault.code;
  const status = named?.status ?? fault.status;
  const message = named?.message ?? fault.message;
  const queryCode = service.queryCodes?.[code];
  return {
    status,
    headers: queryCode === undefined ? {} : { 'x-amzn-query-error': `${queryCode};Sender` },
    body: JSON.stringify({ __type: code, message }),
  };
}
