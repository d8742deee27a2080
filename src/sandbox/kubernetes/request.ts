import type { IncomingMessage } from 'node:http';
import { load } from 'js-yaml';
import { decodeProtobuf, isProtobuf } from './protobuf.ts';
import { ApiFailure, badRequest } from './status.ts';

/** A path of the API, taken apart. */
export interface ApiPath {
  group: string;
  version: string;
  namespace: string;
  plural: string;
  name: string;
  subresource?: string;
}

/** Takes `/api/v1/…` and `/apis/GROUP/VERSION/…` apart; undefined for other paths and for ones without a resource. */
export function parseApiPath(path: string): ApiPath | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [root] = parts;
  if (root !== 'api' && root !== 'apis') return undefined;
  const [group, version, rest] =
    root === 'api' ? ['', parts[1], parts.slice(2)] : [parts[1] ?? '', parts[2], parts.slice(3)];
  if (version === undefined || rest.length === 0) return undefined;
  // `namespaces/x` is the Namespace itself; `namespaces/x/plural` is something in it.
  if (
    rest[0] === 'namespaces' &&
    rest.length >= 3 &&
    !(rest.length === 3 && (rest[2] === 'status' || rest[2] === 'finalize'))
  ) {
    const [, namespace = '', plural = '', name = '', subresource] = rest;
    return { group, version, namespace, plural, name, ...(subresource === undefined ? {} : { subresource }) };
  }
  const [plural = '', name = '', subresource] = rest;
  return { group, version, namespace: '', plural, name, ...(subresource === undefined ? {} : { subresource }) };
}

/** No object of etcd's is larger. In bytes. */
const largestBody = 3 * 1024 * 1024;

/** The body of a request as a value: JSON, or YAML where the content type says so; undefined for an empty one. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) {
      throw new ApiFailure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${largestBody}`);
    }
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (isProtobuf(body)) return decodeProtobuf(body);
  const text = body.toString('utf8');
  if (text.trim() === '') return undefined;
  const type = contentType(request);
  try {
    return type.includes('yaml') && !/^\s*[{[]/.test(text) ? load(text) : JSON.parse(text);
  } catch (error) {
    throw badRequest(`the object provided is unrecognized: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function contentType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Who writes: the `fieldManager` parameter, or the program's name from its user agent, as the real server takes it. */
export function fieldManager(request: IncomingMessage, query: URLSearchParams): string {
  const given = query.get('fieldManager');
  if (given !== null && given !== '') return given;
  return (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown';
}

/** How an answer is wanted: as a Table, as metadata only, or as the object itself. */
export function wantsTable(request: IncomingMessage): boolean {
  return /as=Table/.test(request.headers.accept ?? '');
}
