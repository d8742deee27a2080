import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MillraceError } from '../base/error.ts';

export interface HttpListener {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  url: string;
  port: number;
  /** Stops listening and cuts the connections that are open. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** What listens, for messages: `the registry`. */
  what: string;
  /** 0 or undefined: any free port. */
  port?: number | undefined;
  host?: string | undefined;
}

/** Starts an HTTP server on the loopback interface. Throws SANDBOX_PORT_IN_USE. */
export async function listenHttp(handler: RequestListener, options: ListenOptions): Promise<HttpListener> {
  const { what, port = 0, host = '127.0.0.1' } = options;
  const server = createServer({ keepAliveTimeout: 60_000 }, handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, what, host, port)));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The error for a server that could not listen. */
export function listenError(cause: NodeJS.ErrnoException, what: string, host: string, port: number): Error {
  if (cause.code === 'EADDRINUSE') {
    return new MillraceError('SANDBOX_PORT_IN_USE', `Port ${port} of ${host}, wanted for ${what}, is in use`, {
      cause,
      retry: 'never',
      hint: 'Stop the program that listens there (perhaps another `millrace up`), or choose another port or data folder.',
    });
  }
  if (cause.code === 'EACCES') {
    return new MillraceError(
      'SANDBOX_PORT_IN_USE',
      `Port ${port} of ${host}, wanted for ${what}, may not be used by you`,
      {
        cause,
        retry: 'never',
        hint: 'Choose a port above 1023.',
      },
    );
  }
  return cause;
}

/** The whole body of a request, or undefined when it is longer than `limit` bytes (the rest is left unread). */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
