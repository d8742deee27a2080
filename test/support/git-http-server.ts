import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface GitHttpServerOptions {
  /** Folder of bare repositories. */
  root: string;
  /** `user:password`, or `Bearer token`: asked of every request. */
  credential?: string;
  tls?: { cert: string; key: string; ca?: string };
  /** Answers a request instead of git when it returns true. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
  /** May cut or slow down what git answers: called with each part. */
  onData?: (part: Buffer, response: ServerResponse) => Promise<void> | void;
}

export interface GitHttpServer {
  url: string;
  /** `METHOD path` of each request, with whether it carried an Authorization header. */
  requests: { line: string; authorization: string | undefined }[];
  options: GitHttpServerOptions;
  close(): Promise<void>;
}

/** `git http-backend` behind a small HTTP server: the real smart protocol on loopback. */
export async function startGitHttpServer(options: GitHttpServerOptions): Promise<GitHttpServer> {
  const requests: GitHttpServer['requests'] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    requests.push({ line: `${request.method} ${request.url}`, authorization: request.headers.authorization });
    if ((await options.intercept?.(request, response)) === true) return;
    if (!isAllowed(request, options.credential)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    serveGit(request, response, options);
  };
  const server: Server =
    options.tls === undefined
      ? createServer(handle)
      : createTlsServer(
          {
            ...options.tls,
            ...(options.tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
          },
          handle,
        );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    options,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isAllowed({ headers }: IncomingMessage, credential: string | undefined): boolean {
  if (credential === undefined) return true;
  const wanted = credential.startsWith('Bearer ') ? credential : `Basic ${Buffer.from(credential).toString('base64')}`;
  return headers.authorization === wanted;
}

function serveGit(request: IncomingMessage, response: ServerResponse, options: GitHttpServerOptions): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_PROJECT_ROOT: options.root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding']?.toString() ?? '',
      GIT_PROTOCOL: request.headers['git-protocol']?.toString() ?? '',
      REMOTE_USER: 'tester',
      REMOTE_ADDR: '127.0.0.1',
      ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: request.headers['content-length'] }),
    },
  });
  child.stdin.on('error', () => {});
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  let headDone = false;
  child.stdout.on('data', (part: Buffer) => {
    if (headDone) return send(part);
    head = Buffer.concat([head, part]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    headDone = true;
    const lines = head.toString('latin1', 0, end).split('\r\n');
    const headers = lines.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]);
    const status = headers.find(([name]) => name === 'Status')?.[1];
    response.writeHead(Number.parseInt(status ?? '200', 10), headers.filter(([name]) => name !== 'Status').flat());
    send(head.subarray(end + 4));
  });
  const send = (part: Buffer) => {
    const wait = options.onData?.(part, response);
    if (!response.destroyed) response.write(part);
    if (wait === undefined) return;
    child.stdout.pause();
    void wait.then(() => child.stdout.resume());
  };
  child.on('close', () => {
    if (!headDone) response.writeHead(500);
    response.end();
  });
  response.on('close', () => child.kill());
}
