import type { ServerResponse } from 'node:http';
import { isRecord } from '../../base/json.ts';
import type { Logger } from '../../base/logger.ts';
import { denialMessage } from '../../iam/decide.ts';
import { authenticate } from './authenticate.ts';
import { judge } from './authorize.ts';
import { AwsFault } from './fault.ts';
import type { AwsContext, AwsService, RequireOptions, SignedCall } from './service.ts';
import type { SignedRequest } from './sigv4.ts';

/** One HTTP request on its way to a service, and where the answer goes. */
export interface Exchange {
  context: AwsContext;
  signed: SignedRequest;
  requestId: string;
  signal: AbortSignal;
  logger: Logger;
  response: ServerResponse;
}

/** Checks the signature and returns the call that an operation gets. Throws the fault of bad credentials. */
export function signedCall(service: AwsService, { context, signed, requestId, signal }: Exchange): SignedCall {
  const identity = authenticate(signed, service.name, context);
  const lowerCase = service.protocol === 'json' && service.lowerCaseActions === true;
  return {
    identity,
    requestId,
    signal,
    require(action: string, resource: string, options: RequireOptions = {}) {
      const { request, decision } = judge(identity, action, resource, options, context);
      if (decision.allowed) return;
      const shownAction = lowerCase ? action.toLowerCase() : action;
      const shown = { ...request, resource: options.label ?? resource, action: shownAction };
      throw new AwsFault('AccessDenied', denialMessage(shown, decision), 403);
    },
  };
}

/** Counts a call against the limit of its action. Throws Throttling. */
export function requireRate({ name }: AwsService, operation: string, { context }: Exchange): void {
  if (!context.rateLimits.take(`${name}:${operation}`)) throw new AwsFault('Throttling', 'Rate exceeded');
}

/** Faults are answers; anything else is a fault of ours, which is logged and answered as InternalFailure. */
export function asFault(error: unknown, { logger }: Exchange): AwsFault {
  if (error instanceof AwsFault) return error;
  logger.error('An AWS call failed', {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return new AwsFault('InternalFailure', 'The request processing has failed because of an unknown error.', 500);
}

/** The JSON object of a request's body. Throws SerializationException. */
export function parseInput(body: Buffer): Record<string, unknown> {
  let input: unknown;
  try {
    input = JSON.parse(body.length === 0 ? '{}' : body.toString());
  } catch {
    throw new AwsFault('SerializationException', 'The request body is not valid JSON');
  }
  if (!isRecord(input)) throw new AwsFault('SerializationException', 'The request body is not a JSON object');
  return input;
}

/** The entry of a table, never one that every object inherits. */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

export function respond(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body);
}
