import { isRecord } from '../../../base/json.ts';
import type { HttpClient, HttpMethod } from '../../../http/http-client.ts';
import { httpStatusError } from '../../../http/http-status.ts';

/** What every host is made from. */
export interface GitHostOptions {
  hostname: string;
  /** `owner/name`, on GitLab with groups. */
  path: string;
  /** Address of the API where it is another than the public one. */
  api: string | undefined;
  rest: RestClient;
}

/** JSON over HTTP with the credential of the repository. */
export interface RestClient {
  send(method: HttpMethod, url: string, body: object | undefined, signal: AbortSignal): Promise<unknown>;
}

export function createRestClient(http: HttpClient, authorization: string): RestClient {
  return {
    async send(method, url, body, signal) {
      const headers = { accept: 'application/json', 'user-agent': 'millrace', authorization };
      const request = {
        method,
        url,
        signal,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      };
      const response = await http.send(request);
      if (response.status >= 300) throw await httpStatusError(request, response);
      return JSON.parse(await response.text()) as unknown;
    },
  };
}

/** The text of a field; '' where there is none. */
export function textOf(value: unknown, ...path: string[]): string {
  let current = value;
  for (const key of path) current = isRecord(current) ? current[key] : undefined;
  return typeof current === 'string' || typeof current === 'number' ? String(current) : '';
}

/** The first item of a list, at the top or below a field. */
export function firstOf(value: unknown, field?: string): unknown {
  const list = field === undefined ? value : isRecord(value) ? value[field] : undefined;
  return Array.isArray(list) ? list[0] : undefined;
}
