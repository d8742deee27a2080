import type { Readable } from 'node:stream';
import { createHttpClient, type HttpMethod } from '../http/http-client.ts';
import type { ProxySettings } from '../http/proxy.ts';
import type { AwsEndpoints } from './environment.ts';

/** A request as the SDK hands it to its transport; only what we read. */
interface SdkRequest {
  method: string;
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
  body?: string | Uint8Array | Readable;
}

/** The same addresses, everything sent through `proxy`, whatever the environment says. */
export function viaProxy(endpoints: AwsEndpoints, proxy: string | undefined): AwsEndpoints {
  return proxy === undefined ? endpoints : { ...endpoints, proxy: { http: proxy, https: proxy } };
}

/**
 * Settings for a client of the SDK that send its requests through the proxy, if there is one: the SDK itself knows none.
 * The client's `destroy` ends the connections.
 */
export function sdkTransport({ proxy }: AwsEndpoints): { requestHandler?: ReturnType<typeof proxyHandler> } {
  return proxy === undefined ? {} : { requestHandler: proxyHandler(proxy) };
}

function proxyHandler(proxy: ProxySettings) {
  const http = createHttpClient({ proxy });
  const unending = new AbortController().signal;
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request: SdkRequest, { abortSignal }: { abortSignal?: unknown } = {}) {
      const signal = abortSignal instanceof AbortSignal ? abortSignal : unending;
      const { method, headers, body } = request;
      const answer = await http.send({
        method: method as HttpMethod,
        url: urlOf(request),
        // The client writes both itself, from the URL and the body.
        headers: Object.fromEntries(
          Object.entries(headers).filter(([name]) => !/^(?:host|content-length)$/i.test(name)),
        ),
        ...(body !== undefined && { body }),
        signal,
      });
      return { response: { statusCode: answer.status, headers: answer.headers, body: answer.body } };
    },
    destroy() {
      void http.close({ force: true });
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
}

function urlOf({ protocol, hostname, port, path, query = {} }: SdkRequest): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one) => {
      const key = encodeURIComponent(name);
      return one === null ? key : `${key}=${encodeURIComponent(one)}`;
    }),
  );
  const suffix = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${suffix}`;
}
