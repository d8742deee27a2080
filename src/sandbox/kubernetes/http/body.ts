import type { IncomingMessage } from 'node:http';
import { JSON_SCHEMA, load } from 'js-yaml';
import { badRequest, StatusError } from '../errors/status-error.ts';
import { decodeProtobuf, isProtobuf } from './protobuf.ts';

const mostBytes = 3 * 1024 * 1024;

/** Reads a whole request body. Throws 413 past what etcd could take. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const body = await readBytes(request);
  return isProtobuf(body) ? JSON.stringify(decodeProtobuf(body)) : body.toString();
}

function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > mostBytes) {
        reject(new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${mostBytes}`));
        request.destroy();
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on('error', reject);
  });
}

// Protobuf has become JSON when it was read.
const jsonTypes = new Set(['application/json', 'application/vnd.kubernetes.protobuf', '*/*', '']);
const yamlTypes = new Set(['application/yaml']);

/** The value of a JSON or YAML body. Throws 400 where it is neither, 415 for other types. */
export function parseBody(text: string, contentType: string | undefined): unknown {
  const type = (contentType ?? '').split(';')[0]?.trim() ?? '';
  if (yamlTypes.has(type)) return parseYaml(text);
  if (!jsonTypes.has(type)) throw unsupportedType(type);
  return parseJson(text);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`error decoding JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** JSON is YAML too, and its own parser is quicker. */
export function parseYaml(text: string): unknown {
  if (text.startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch {
      // A YAML flow mapping.
    }
  }
  try {
    return load(text, { schema: JSON_SCHEMA });
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function unsupportedType(type: string, accepted = 'application/json, application/yaml'): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`;
  return new StatusError(415, 'UnsupportedMediaType', type === '' ? message : `${message} (got ${type})`);
}
