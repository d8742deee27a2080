import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MillraceError } from '../base/error.ts';

/** An address to listen on, as Go's programs write it: `:8080`, `127.0.0.1:0`. */
export interface ListenAddress {
  host: string | undefined;
  port: number;
}

/** Parses `--metrics-addr` and its like; undefined for `0` and '', which turn the server off. */
export function parseListenAddress(text: string, flag: string): ListenAddress | undefined {
  if (text === '' || text === '0') return undefined;
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new MillraceError('BAD_INPUT', `${flag}: '${text}' is not an address`, {
      hint: 'Write :8080, 127.0.0.1:8080, or 0 to turn it off.',
      retry: 'never',
    });
  }
  return { host: match[1] || match[2] || undefined, port };
}

export interface ProcessServerOptions {
  address: ListenAddress;
  /** Prometheus text. */
  metrics?(): Promise<string>;
  /** Whether the process serves its purpose; `/healthz` only says that it lives. */
  isReady?(): boolean;
}

export interface ProcessServer {
  /** `host:port` as bound. */
  address: string;
  close(): Promise<void>;
}

/** Serves `/metrics`, `/healthz` and `/readyz`, each where it was given. Throws ADDRESS_IN_USE. */
export async function startProcessServer({ address, metrics, isReady }: ProcessServerOptions): Promise<ProcessServer> {
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    const answer = (status: number, body: string) => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(body);
    };
    if (path === '/metrics' && metrics !== undefined) return answer(200, await metrics());
    if (path === '/healthz' && isReady !== undefined) return answer(200, 'ok');
    if (path === '/readyz' && isReady !== undefined) return isReady() ? answer(200, 'ok') : answer(503, 'not ready');
    answer(404, 'not found\n');
  });
  await listen(server, address);
  const { address: host, port, family } = server.address() as AddressInfo;
  return {
    address: family === 'IPv6' ? `[${host}]:${port}` : `${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const where = `${host ?? ''}:${port}`;
      reject(
        cause.code === 'EADDRINUSE'
          ? new MillraceError('ADDRESS_IN_USE', `${where} is in use by another program`, { cause, retry: 'never' })
          : new MillraceError('ADDRESS_IN_USE', `cannot listen on ${where}: ${cause.message}`, {
              cause,
              retry: 'never',
            }),
      );
    });
    server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  });
}
