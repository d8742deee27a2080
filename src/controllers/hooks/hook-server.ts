import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorMessage } from '../../base/error.ts';
import type { Logger } from '../../base/logger.ts';
import { type HookEvents, parseHookEvents } from './hook-event.ts';
import { type HookSender, hookSenders, isAuthentic } from './hook-signature.ts';

export interface HookServerOptions {
  host?: string;
  port: number;
  /** What senders prove that they know. */
  token: string;
  logger: Logger;
  onEvents(events: HookEvents): Promise<void>;
}

export interface HookServer {
  port: number;
  close(): Promise<void>;
}

const maxBodyBytes = 1024 * 1024;
const requestTimeoutMs = 10_000;

/**
 * Takes hooks of registries and git hosts at `/hook/<sender>`: 202 for what was understood, 401 without proof of the
 * token. A hook only wakes what polling would find later, so it can do no harm beyond an early look.
 */
export async function startHookServer(options: HookServerOptions): Promise<HookServer> {
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    handle(request, response, options).catch((error: unknown) => {
      options.logger.warn(`a hook failed: ${errorMessage(error)}`);
      if (!response.headersSent) answer(response, 500, 'failed');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(request: IncomingMessage, response: ServerResponse, options: HookServerOptions): Promise<void> {
  const sender = senderOf(request.url);
  if (sender === undefined || request.method !== 'POST') return answer(response, 404, 'POST /hook/<sender>');
  const body = await readBody(request);
  if (body === undefined) return answer(response, 413, 'too large');
  if (!isAuthentic(sender, request.headers, body, options.token))
    return answer(response, 401, 'the token does not fit');
  let events: HookEvents;
  try {
    events = parseHookEvents(sender, body.toString('utf8'));
  } catch {
    return answer(response, 400, 'not JSON');
  }
  await options.onEvents(events);
  answer(response, 202, 'accepted');
}

function senderOf(url = ''): HookSender | undefined {
  const name = /^\/hook\/([a-z]+)\/?(?:\?.*)?$/.exec(url)?.[1];
  return hookSenders.find((sender) => sender === name);
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > maxBodyBytes) return undefined;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
}
