import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands before a real server and does to its answers what a test wants. */
export interface FrontServer {
  /** `127.0.0.1:port`. */
  host: string;
  /** Answers a request instead of the server when it returns true. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** May cut an answer: called with the bytes of it so far. */
  onData: ((sent: number, request: IncomingMessage, response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

export async function startFrontServer(target: string): Promise<FrontServer> {
  const server = createServer((request, response) => {
    if (front.intercept?.(request, response) === true) return;
    const headers = { ...request.headers, host: front.host };
    const { method = 'GET', url = '/' } = request;
    const forwarded = httpRequest(`http://${target}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      let sent = 0;
      answer.on('data', (part: Buffer) => {
        response.write(part);
        sent += part.length;
        front.onData?.(sent, request, response);
      });
      answer.on('end', () => response.end());
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const front: FrontServer = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    intercept: undefined,
    onData: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return front;
}
