import { isMillraceError, MillraceError, type MillraceErrorOptions } from '../base/error.ts';
import type { ErrorCode } from '../base/error-codes.ts';
import { isRecord } from '../base/json.ts';

/** `metav1.Status` of a failure, as the API server sends it. */
export interface KubeStatus {
  code: number;
  /** NotFound, AlreadyExists, Conflict, Invalid, Forbidden …; '' where the server gave none. */
  reason: string;
  message: string;
  details?: {
    group?: string;
    kind?: string;
    name?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

/** The cause of every error that the API server answered with. */
export class KubeStatusError extends Error {
  override readonly name = 'KubeStatusError';
  readonly status: KubeStatus;
  constructor(status: KubeStatus) {
    super(status.message);
    this.status = status;
  }
}

/** The failure the API server answered with, where the error (or the cause of it) is one. */
export function kubeStatusOf(error: unknown): KubeStatus | undefined {
  if (error instanceof KubeStatusError) return error.status;
  return error instanceof MillraceError && error.cause instanceof KubeStatusError ? error.cause.status : undefined;
}

/** True for an answer of the API server with one of these reasons. */
export function isKubeReason(error: unknown, ...reasons: string[]): boolean {
  const status = kubeStatusOf(error);
  return status !== undefined && reasons.includes(status.reason);
}

/**
 * True for what passes by itself: a server that is away, slow, overloaded or at fault, and a write that another one preceded.
 * Found anywhere among the causes of an error.
 */
export function isTransient(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (isMillraceError(at, 'HTTP_UNREACHABLE', 'DEADLINE_EXCEEDED', 'KUBE_THROTTLED', 'KUBE_CONFLICT')) return true;
    if (isMillraceError(at, 'HTTP_STATUS') && at.retry === 'backoff') return true;
    if (at instanceof KubeStatusError && at.status.code >= 500) return true;
  }
  return false;
}

const codeOfReason: Record<string, ErrorCode> = {
  AlreadyExists: 'KUBE_ALREADY_EXISTS',
  Conflict: 'KUBE_CONFLICT',
  Expired: 'KUBE_EXPIRED',
  Forbidden: 'KUBE_FORBIDDEN',
  Gone: 'KUBE_EXPIRED',
  Invalid: 'KUBE_INVALID',
  BadRequest: 'KUBE_INVALID',
  NotFound: 'KUBE_NOT_FOUND',
  TooManyRequests: 'KUBE_THROTTLED',
  Unauthorized: 'KUBE_UNAUTHORIZED',
};

const codeOfStatus: Record<number, ErrorCode> = {
  400: 'KUBE_INVALID',
  401: 'KUBE_UNAUTHORIZED',
  403: 'KUBE_FORBIDDEN',
  404: 'KUBE_NOT_FOUND',
  409: 'KUBE_CONFLICT',
  410: 'KUBE_EXPIRED',
  422: 'KUBE_INVALID',
  429: 'KUBE_THROTTLED',
};

const hints: Partial<Record<ErrorCode, string>> = {
  KUBE_FORBIDDEN:
    'Grant the verb on the resource to the user named in the message (Role or ClusterRole, and a binding).',
  KUBE_UNAUTHORIZED: "Check the credentials of the kubeconfig's user, or of the ServiceAccount; they may have expired.",
};

/** The error to throw for a failure answered by the server; its message is the server's own. */
export function kubeError(status: KubeStatus, options: MillraceErrorOptions = {}): MillraceError {
  const code = codeOfReason[status.reason] ?? codeOfStatus[status.code] ?? 'KUBE_STATUS';
  const hint = hints[code];
  return new MillraceError(code, status.message, {
    cause: new KubeStatusError(status),
    ...(hint === undefined ? {} : { hint }),
    ...options,
  });
}

/** Reads a failure's body: a Status, or whatever a proxy in between said instead. */
export function parseStatus(httpStatus: number, body: string, request: string): KubeStatus {
  const parsed = parseJson(body);
  if (isRecord(parsed) && parsed['kind'] === 'Status') {
    const { code, reason, message, details } = parsed;
    return {
      code: typeof code === 'number' ? code : httpStatus,
      reason: typeof reason === 'string' ? reason : '',
      message: typeof message === 'string' && message !== '' ? message : `${request}: status ${httpStatus}`,
      ...(isRecord(details) ? { details: details as NonNullable<KubeStatus['details']> } : {}),
    };
  }
  const excerpt = body.trim().slice(0, 200);
  return { code: httpStatus, reason: '', message: `${request}: ${httpStatus}${excerpt === '' ? '' : ` ${excerpt}`}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
