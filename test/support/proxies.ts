import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface TestProxy {
  /** `host:port`. */
  address: string;
  /** Targets that were asked for. */
  targets: string[];
  close(): Promise<void>;
}

/**
 * An HTTP proxy that asks for `user:password` and forwards plain requests and tunnels. `routes`: where tunnels to a
 * `host:port` really lead.
 */
export async function startHttpProxy(credential: string, routes: Record<string, string> = {}): Promise<TestProxy> {
  const targets: string[] = [];
  const wanted = `Basic ${Buffer.from(credential).toString('base64')}`;
  const server = createHttpServer((request, response) => {
    if (request.headers['proxy-authorization'] !== wanted) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end();
      return;
    }
    const url = new URL(request.url ?? '');
    targets.push(url.host);
    const forwarded = httpRequest(url, { method: request.method ?? 'GET', headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  });
  server.on('connect', (request, socket: Socket) => {
    if (request.headers['proxy-authorization'] !== wanted) {
      socket.end('HTTP/1.1 407 no\r\nproxy-authenticate: Basic realm="proxy"\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    targets.push(request.url ?? '');
    const target = request.url ?? '';
    const [host = '', port = ''] = (routes[target] ?? target).split(':');
    join(socket, host, Number(port), () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
  });
  return listen(server, targets);
}

/** A SOCKS5 proxy (RFC 1928) that asks for user and password (RFC 1929). */
export async function startSocksProxy(credential: string): Promise<TestProxy> {
  const targets: string[] = [];
  const server = createServer((socket) => {
    const chunks = readSteps(socket);
    void (async () => {
      await chunks.next();
      socket.write(Buffer.from([5, 2]));
      const login = (await chunks.next()).value as Buffer;
      const nameLength = login[1] ?? 0;
      const name = login.toString('utf8', 2, 2 + nameLength);
      const isRight = `${name}:${login.toString('utf8', 3 + nameLength)}` === credential;
      socket.write(Buffer.from([1, isRight ? 0 : 1]));
      if (!isRight) return socket.end();
      const ask = (await chunks.next()).value as Buffer;
      const isName = ask[3] === 3;
      const length = ask[4] ?? 0;
      const host = isName ? ask.toString('utf8', 5, 5 + length) : [...ask.subarray(4, 8)].join('.');
      const port = ask.readUInt16BE(isName ? 5 + length : 8);
      targets.push(`${host}:${port}`);
      join(socket, host, port, () => socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])));
    })();
  });
  return listen(server, targets);
}

async function* readSteps(socket: Socket): AsyncGenerator<Buffer> {
  for (;;) yield await new Promise<Buffer>((resolve) => socket.once('data', resolve));
}

function join(socket: Socket, host: string, port: number, onReady: () => void): void {
  const target = connect(port, host, () => {
    onReady();
    socket.pipe(target);
    target.pipe(socket);
  });
  target.on('error', () => socket.destroy());
  socket.on('error', () => target.destroy());
}

async function listen(server: Server, targets: string[]): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
