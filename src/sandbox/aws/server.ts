import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../../base/logger.ts';
import { type HttpListener, listenHttp, readBody } from '../http-listener.ts';
import { answerJson, answerRest, findRoute } from './answer-json.ts';
import { answerQuery } from './answer-query.ts';
import { asFault, type Exchange, respond } from './exchange.ts';
import type { AwsContext, AwsService, UnsignedRoute } from './service.ts';

export interface AwsServerOptions {
  context: AwsContext;
  services: readonly AwsService[];
  unsigned: readonly UnsignedRoute[];
  logger: Logger;
  port?: number | undefined;
}

/** Longest request: the largest policy or manifest is far below it. */
const maxBodyBytes = 8 * 1024 * 1024;

/**
 * Serves every AWS API on one HTTP port, as the endpoint override of an SDK or the CLI expects: a request finds its service
 * by X-Amz-Target (JSON protocols), by its path (REST) or by the Version of its form (query protocol).
 */
export function serveAws(options: AwsServerOptions): Promise<HttpListener> {
  const { logger, port } = options;
  return listenHttp(
    (request, response) => {
      handle(request, response, options).catch((error: unknown) => {
        logger.error('An AWS call could not be answered', { error: String(error) });
        if (!response.headersSent) response.writeHead(500);
        response.end();
      });
    },
    { what: 'the AWS API', port },
  );
}

async function handle(request: IncomingMessage, response: ServerResponse, options: AwsServerOptions): Promise<void> {
  const { context, services, unsigned, logger } = options;
  const requestId = randomUUID();
  const gone = new AbortController();
  response.on('close', () => gone.abort(new Error('the client has gone')));
  response.setHeader('x-amzn-RequestId', requestId);
  // By which clients mend their clocks.
  response.setHeader('date', new Date(context.clock.now()).toUTCString());
  const body = await readBody(request, maxBodyBytes);
  if (body === undefined) {
    response.writeHead(413, { connection: 'close' }).end();
    return;
  }
  const { method = 'GET', url = '/', headers } = request;
  const signed = { method, target: url, headers, body };
  const exchange: Exchange = { context, signed, requestId, signal: gone.signal, logger, response };

  const path = url.split('?')[0] ?? '/';
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return answerJson(target, services, exchange);
  const open = unsigned.find((route) => route.method === method && route.path.test(path));
  if (open !== undefined) return answerUnsigned(open, exchange);
  const found = findRoute(services, method, path);
  if (found !== undefined) return answerRest(found, exchange);
  return answerQuery(services, exchange);
}

/** Answers a path of the node's agent, which speaks plain JSON: an error is a code and a message. */
async function answerUnsigned(route: UnsignedRoute, exchange: Exchange): Promise<void> {
  const { signed, signal, response } = exchange;
  try {
    respond(response, 200, 'application/json', JSON.stringify(await route.run(signed.headers, signal)));
  } catch (error) {
    const { status, code, message } = asFault(error, exchange);
    respond(response, status, 'application/json', JSON.stringify({ code, message }));
  }
}
