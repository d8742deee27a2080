import type { IncomingMessage } from 'node:http';
import { JSON_SCHEMA, load } from 'js-yaml';
import { isRecord } from '../../../base/json.ts';
import { badRequest, StatusError } from '../errors/status-error.ts';
import { goJsonFaults } from '../schema/go-json.ts';
import { jsonType } from '../schema/go-shape.ts';
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

/** How a body is to be read: the kind that is expected in it, and whether keys that stand twice are a fault. */
export interface BodyRules {
  kind: string;
  strict?: boolean;
}

/** The value of a JSON or YAML body. Throws 400 where it is neither, 415 for other types. */
export function parseBody(text: string, contentType: string | undefined, { kind, strict }: BodyRules): unknown {
  const type = (contentType ?? '').split(';')[0]?.trim() ?? '';
  if (yamlTypes.has(type)) return parseYaml(text);
  if (!jsonTypes.has(type)) throw unsupportedType();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unrecognized(kind, goJsonFaults(text).syntax ?? 'unknown', text);
  }
  if (!isRecord(value)) {
    const into =
      'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
    if (value !== null)
      throw unrecognized(kind, `json: cannot unmarshal ${jsonType(value)} into Go value of type ${into}`, text);
    return {};
  }
  if (strict === true) refuseDuplicates(text, value, kind);
  return value;
}

function refuseDuplicates(text: string, value: Record<string, unknown>, kind: string): void {
  const { duplicates } = goJsonFaults(text);
  if (duplicates.length === 0) return;
  const faults = duplicates.map((path) => `duplicate field "${path}"`).join(', ');
  const version = String(value['apiVersion'] ?? '')
    .split('/')
    .at(-1);
  throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${faults}`);
}

const mostShown = 30;

/** The refusal of a body of which not even the type can be read, with its beginning. */
function unrecognized(kind: string, why: string, text: string): StatusError {
  const bytes = Buffer.from(text);
  const start = bytes.subarray(0, mostShown);
  const shown = text.startsWith('{') ? start.toString() : start.toString('hex');
  const summary = text === '' ? '<empty>' : bytes.length > mostShown ? `${shown} ...` : shown;
  const fault = `couldn't get version/kind; json parse error: ${why}`;
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${fault} (${summary})`);
}

/** The value of a JSON or merge patch. Throws 400. */
export function parsePatch(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(`error decoding patch: ${goJsonFaults(text).syntax}`);
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

const bodyTypes = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

export function unsupportedType(accepted = bodyTypes): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`;
  return new StatusError(415, 'UnsupportedMediaType', message);
}
