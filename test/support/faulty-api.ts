import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { KubeConfig } from '../../src/kube/config.ts';

export interface SeenCall {
  method: string;
  /** Path and query. */
  url: string;
  isWatch: boolean;
  at: number;
}

/** What happens to a request in the place of, or before, being passed on. */
export type Fault =
  | { kind: 'answer'; status: number; body?: unknown; headers?: Record<string, string> }
  /** The connection is closed without a word; `after` the API has carried the request out. */
  | { kind: 'drop'; after?: boolean }
  | { kind: 'delay'; ms: number };

export interface FaultyApi {
  /** Reaches the API through the proxy, as its administrator. */
  config: KubeConfig;
  seen: SeenCall[];
  /** Decides over each request; undefined passes it on. */
  fault: ((call: SeenCall, headers: IncomingHttpHeaders) => Fault | undefined) | undefined;
  cutWatches(): void;
  close(): Promise<void>;
}

/** A Status as the API server writes it. */
export function statusAnswer(code: number, reason: string, message: string, details?: object): Fault {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message, details };
  return { kind: 'answer', status: code, body };
}

/** Stands between a client and an API server, and does what a bad network, a bad day or a bad server does. */
export async function startFaultyApi(target: KubeConfig): Promise<FaultyApi> {
  const agent = new Agent({ ca: target.ca, keepAlive: true });
  const watches = new Set<ServerResponse>();
  const api: FaultyApi = {
    config: target,
    seen: [],
    fault: undefined,
    cutWatches() {
      for (const watch of watches) watch.socket?.destroy();
    },
    async close() {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  const pass = async (call: SeenCall, request: IncomingMessage, response: ServerResponse, thenDrop: boolean) => {
    // The client may have given up, which is what some tests are about.
    const body = await buffer(request).catch(() => undefined);
    if (body === undefined) return;
    const headers = { ...request.headers, host: new URL(target.server).host };
    const onward = httpsRequest(target.server + call.url, { agent, method: call.method, headers }, (answer) => {
      if (thenDrop) {
        answer.resume();
        answer.on('end', () => response.socket?.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      if (call.isWatch) watches.add(response);
    });
    onward.on('error', () => response.socket?.destroy());
    response.on('close', () => {
      watches.delete(response);
      onward.destroy();
    });
    onward.end(body);
  };

  const server = createServer(async (request, response) => {
    const url = request.url ?? '';
    const call = { method: request.method ?? '', url, isWatch: url.includes('watch=true'), at: performance.now() };
    api.seen.push(call);
    const fault = api.fault?.(call, request.headers);
    switch (fault?.kind) {
      case 'answer':
        request.resume();
        response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
        response.end(typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body ?? {}));
        return;
      case 'drop':
        if (fault.after !== true) return void request.socket.destroy();
        return pass(call, request, response, true);
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, fault.ms));
        // What the client has given up on is not carried out behind its back.
        if (response.closed) return;
        return pass(call, request, response, false);
      default:
        return pass(call, request, response, false);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { ca: _, ...config } = target;
  api.config = { ...config, server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  return api;
}
