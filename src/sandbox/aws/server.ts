import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRecord } from '../../base/json.ts';
import type { Logger } from '../../base/logger.ts';
import { denialMessage } from '../../iam/decide.ts';
import { type HttpListener, listenHttp, readBody } from '../http-listener.ts';
import { authenticate } from './authenticate.ts';
import { judge } from './authorize.ts';
import { AwsFault } from './fault.ts';
import { jsonError } from './json-protocol.ts';
import { QueryParams } from './query-params.ts';
import { queryAnswer, queryError, type XmlValue } from './query-protocol.ts';
import type { AwsContext, AwsService, JsonService, QueryService, RequireOptions, SignedCall } from './service.ts';
import type { SignedRequest } from './sigv4.ts';

export interface AwsServerOptions {
  context: AwsContext;
  services: readonly AwsService[];
  logger: Logger;
  port?: number | undefined;
}

/** Longest request: the largest policy or manifest is far below it. */
const maxBodyBytes = 8 * 1024 * 1024;

/**
 * Serves every AWS API on one HTTP port, as the endpoint override of an SDK or the CLI expects: a request finds its service
 * by X-Amz-Target (JSON protocols) or by the Version of its form (query protocol).
 */
export function serveAws({ context, services, logger, port }: AwsServerOptions): Promise<HttpListener> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID();
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('the client has gone')));
    response.setHeader('x-amzn-RequestId', requestId);
    const body = await readBody(request, maxBodyBytes);
    if (body === undefined) {
      response.writeHead(413, { connection: 'close' }).end();
      return;
    }
    const target = headerText(request, 'x-amz-target');
    const signed: SignedRequest = {
      method: request.method ?? 'GET',
      target: request.url ?? '/',
      headers: request.headers,
      body,
    };
    const exchange: Exchange = { context, signed, requestId, signal: gone.signal, logger, response };
    if (target !== undefined) await answerJson(target, services, exchange);
    else await answerQuery(services, exchange);
  };
  return listenHttp(
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        logger.error('An AWS call could not be answered', { error: String(error) });
        if (!response.headersSent) response.writeHead(500);
        response.end();
      });
    },
    { what: 'the AWS API', port },
  );
}

interface Exchange {
  context: AwsContext;
  signed: SignedRequest;
  requestId: string;
  signal: AbortSignal;
  logger: Logger;
  response: ServerResponse;
}

async function answerQuery(services: readonly AwsService[], exchange: Exchange): Promise<void> {
  const { signed, response, requestId } = exchange;
  // A presigned call (GetCallerIdentity as a Kubernetes token) has its form in the query.
  const form = signed.method === 'GET' ? (signed.target.split('?')[1] ?? '') : signed.body.toString();
  const params = new QueryParams(form);
  const version = params.optional('Version');
  const service = services.find((s): s is QueryService => s.protocol === 'query' && s.version === version);
  const operation = params.optional('Action') ?? '';
  if (service === undefined) {
    const fault = new AwsFault(
      'InvalidAction',
      `Could not find operation ${operation} for version ${version ?? 'NO_VERSION_SPECIFIED'}`,
    );
    respond(response, 400, 'text/xml', queryError('', fault, requestId));
    return;
  }
  try {
    const result = await runQuery(service, operation, params, exchange);
    respond(response, 200, 'text/xml', queryAnswer(service.namespace, operation, result, requestId));
  } catch (error) {
    const fault = asFault(error, exchange);
    respond(response, fault.status, 'text/xml', queryError(service.namespace, fault, requestId));
  }
}

async function runQuery(
  service: QueryService,
  operation: string,
  params: QueryParams,
  exchange: Exchange,
): Promise<XmlValue | undefined> {
  requireRate(service, operation, exchange);
  const unsigned = own(service.unsigned, operation);
  if (unsigned !== undefined) return unsigned(params, exchange.requestId, exchange.signal);
  const run = own(service.operations, operation);
  if (run === undefined) {
    throw new AwsFault('InvalidAction', `Could not find operation ${operation} for version ${service.version}`);
  }
  return run(params, signedCall(service, exchange));
}

async function answerJson(target: string, services: readonly AwsService[], exchange: Exchange): Promise<void> {
  const { signed, response } = exchange;
  const [prefix = '', operation = ''] = splitTarget(target);
  const service = services.find((s): s is JsonService => s.protocol === 'json' && s.target === prefix);
  if (service === undefined) {
    const body = JSON.stringify({ __type: 'UnknownOperationException', message: `No service takes ${target}` });
    respond(response, 400, 'application/x-amz-json-1.1', body);
    return;
  }
  try {
    requireRate(service, operation, exchange);
    const run = own(service.operations, operation);
    const call = signedCall(service, exchange);
    if (run === undefined) throw new AwsFault('UnknownOperationException', `The sandbox does not know ${target}`);
    const answer = await run(parseInput(signed.body), call);
    respond(response, 200, service.contentType, JSON.stringify(answer));
  } catch (error) {
    const { status, headers, body } = jsonError(service, asFault(error, exchange));
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    respond(response, status, service.contentType, body);
  }
}

function requireRate({ name }: AwsService, operation: string, { context }: Exchange): void {
  if (!context.rateLimits.take(`${name}:${operation}`)) throw new AwsFault('Throttling', 'Rate exceeded');
}

function signedCall(service: AwsService, { context, signed, requestId, signal }: Exchange): SignedCall {
  const identity = authenticate(signed, service.name, context);
  const lowerCase = service.protocol === 'json' && service.lowerCaseActions === true;
  return {
    identity,
    requestId,
    signal,
    require(action: string, resource: string, options: RequireOptions = {}) {
      const { request, decision } = judge(identity, action, resource, options, context);
      if (decision.allowed) return;
      const shown = {
        ...request,
        resource: options.label ?? resource,
        action: lowerCase ? action.toLowerCase() : action,
      };
      throw new AwsFault('AccessDenied', denialMessage(shown, decision), 403);
    },
  };
}

/** Faults are answers; anything else is a fault of ours, which is logged and answered as InternalFailure. */
function asFault(error: unknown, { logger }: Exchange): AwsFault {
  if (error instanceof AwsFault) return error;
  logger.error('An AWS call failed', {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return new AwsFault('InternalFailure', 'The request processing has failed because of an unknown error.', 500);
}

function parseInput(body: Buffer): Record<string, unknown> {
  let input: unknown;
  try {
    input = JSON.parse(body.length === 0 ? '{}' : body.toString());
  } catch {
    throw new AwsFault('SerializationException', 'The request body is not valid JSON');
  }
  if (!isRecord(input)) throw new AwsFault('SerializationException', 'The request body is not a JSON object');
  return input;
}

function splitTarget(target: string): [string, string] {
  const dot = target.lastIndexOf('.');
  return [target.slice(0, dot), target.slice(dot + 1)];
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function headerText(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function respond(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body);
}
