import { createReadStream } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MillraceError } from '../../base/error.ts';

export interface ArtifactServerOptions {
  root: string;
  /** Address to listen on; default all. */
  host?: string;
  /** 0 for a free one. */
  port: number;
}

export interface ArtifactServer {
  port: number;
  close(): Promise<void>;
}

/**
 * Serves the files of an artifact store over plain HTTP, as Flux's controllers expect them (spec/source.md §2.8). `GET /`
 * answers 200: the readiness of the one process that has the artifacts. Throws STORAGE_SERVER_FAILED where the address
 * cannot be had.
 */
export async function startArtifactServer(options: ArtifactServerOptions): Promise<ArtifactServer> {
  const server = createServer((request, response) => {
    serve(options.root, request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(startFailure(options, cause)));
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end();
  const parts = pathParts(request.url ?? '/');
  if (parts === undefined) return void response.writeHead(404).end('404 page not found\n');
  if (parts.length === 0) return void response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
  const file = await openBelow(root, join(root, ...parts));
  if (file === undefined) return void response.writeHead(404).end('404 page not found\n');
  try {
    const { size, mtime } = await file.handle.stat();
    response.writeHead(200, {
      'content-type': 'application/gzip',
      'content-length': size,
      'last-modified': mtime.toUTCString(),
    });
    if (request.method === 'HEAD') return void response.end();
    await pipeline(createReadStream('', { fd: file.handle, autoClose: false, end: Math.max(0, size - 1) }), response);
  } finally {
    await file.handle.close();
  }
}

/** Decoded path parts; undefined for what no artifact can be called, hidden files (drafts) included. */
function pathParts(url: string): string[] | undefined {
  try {
    const parts = decodeURIComponent(url.split('?', 1)[0] ?? '')
      .split('/')
      .filter((part) => part !== '');
    return parts.some((part) => part.startsWith('.') || part.includes('\0') || part.endsWith('.lock'))
      ? undefined
      : parts;
  } catch {
    return undefined;
  }
}

/** Opens a regular file that is, all links followed, below the root. */
async function openBelow(root: string, path: string) {
  try {
    const real = await realpath(path);
    if (!real.startsWith((await realpath(root)) + sep)) return undefined;
    const handle = await open(real, 'r');
    if ((await handle.stat()).isFile()) return { handle };
    await handle.close();
    return undefined;
  } catch {
    return undefined;
  }
}

function startFailure({ host, port }: ArtifactServerOptions, cause: Error): MillraceError {
  return new MillraceError(
    'STORAGE_SERVER_FAILED',
    `artifacts cannot be served on ${host ?? ''}:${port}: ${cause.message}`,
    {
      cause,
      hint: 'Another process may have the port: choose another one (--storage-addr).',
      retry: 'never',
    },
  );
}
