import { builtinDefinition, builtinKind } from '../../../api/builtin/builtin-kinds.ts';
import { protobufFields } from '../../../api/builtin/generated/protobuf-fields.ts';
import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { StatusError } from '../errors/status-error.ts';

/**
 * Bodies in Kubernetes' protobuf encoding, which kubectl uses for what it creates by typed clients. Field numbers are those of
 * the published `generated.proto` files, types those of the schema.
 */
const magic = Buffer.from('k8s\0');

type Numbers = Readonly<Record<string, string>>;

let numbers: Readonly<Record<string, Numbers>> | undefined;

function numbersOf(definition: string): Numbers | undefined {
  numbers ??= JSON.parse(protobufFields) as Record<string, Numbers>;
  return numbers[definition];
}

export function isProtobuf(body: Buffer): boolean {
  return body.subarray(0, magic.length).equals(magic);
}

const text: SchemaNode = { type: 'string' };
const texts: SchemaNode = { type: 'array', items: text };
const integer: SchemaNode = { type: 'integer' };
const metadata: SchemaNode = {
  definition: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta',
  properties: { name: text, namespace: text },
};
const deleteOptions: SchemaNode = {
  definition: 'DeleteOptions',
  properties: {
    gracePeriodSeconds: integer,
    preconditions: { definition: 'Preconditions', properties: { uid: text, resourceVersion: text } },
    propagationPolicy: text,
    dryRun: texts,
  },
};

/** Bodies of requests that are no kinds of their own: options of a delete, and what subresources take. */
const requestBodies: Readonly<Record<string, SchemaNode>> = {
  DeleteOptions: deleteOptions,
  Eviction: { definition: 'io.k8s.api.policy.v1.Eviction', properties: { metadata, deleteOptions } },
  Scale: {
    definition: 'io.k8s.api.autoscaling.v1.Scale',
    properties: {
      metadata,
      spec: { definition: 'io.k8s.api.autoscaling.v1.ScaleSpec', properties: { replicas: integer } },
    },
  },
  TokenRequest: {
    definition: 'io.k8s.api.authentication.v1.TokenRequest',
    properties: {
      metadata,
      spec: {
        definition: 'io.k8s.api.authentication.v1.TokenRequestSpec',
        properties: {
          audiences: texts,
          expirationSeconds: integer,
          boundObjectRef: {
            definition: 'io.k8s.api.authentication.v1.BoundObjectReference',
            properties: { kind: text, apiVersion: text, name: text, uid: text },
          },
        },
      },
    },
  },
};
const ownNumbers: Readonly<Record<string, Numbers>> = {
  DeleteOptions: { 1: 'gracePeriodSeconds', 2: 'preconditions', 4: 'propagationPolicy', 5: 'dryRun' },
  Preconditions: { 1: 'uid', 2: 'resourceVersion' },
};

/** The object of a body: an envelope (`runtime.Unknown`) with the type and the encoded object. Throws 400, 415. */
export function decodeProtobuf(body: Buffer): Record<string, unknown> {
  const envelope = readFields(body.subarray(magic.length));
  const type = readFields(bytesOf(envelope.get(1)?.[0]));
  const [apiVersion = '', kind = ''] = [1, 2].map((number) => String(type.get(number)?.[0] ?? ''));
  const known = builtinKind(apiVersion, kind);
  const node = requestBodies[kind] ?? (known && builtinDefinition(known.definition));
  const definition = node?.definition ?? '';
  if (node === undefined || (numbersOf(definition) ?? ownNumbers[definition]) === undefined) {
    throw new StatusError(415, 'UnsupportedMediaType', `${kind} cannot be read from protobuf here; send JSON`);
  }
  return { apiVersion, kind, ...decodeMessage(bytesOf(envelope.get(2)?.[0]), node, definition) };
}

function bytesOf(value: Buffer | number | undefined): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function decodeMessage(bytes: Buffer, node: SchemaNode, definition: string): Record<string, unknown> {
  const known = numbersOf(definition) ?? ownNumbers[definition] ?? {};
  const result: Record<string, unknown> = {};
  for (const [number, values] of readFields(bytes)) {
    const [field, type] = (known[number] ?? '').split(':');
    if (!field) continue;
    const child = node.properties?.[field];
    if (child !== undefined) result[field] = decodeField(child, values);
    else if (type !== undefined) {
      // Go embeds it: its fields are those of its parent.
      const embedded = definition.replace(/[^.]+$/, type);
      Object.assign(result, decodeMessage(bytesOf(values.at(-1)), node, embedded));
    }
  }
  return result;
}

function decodeField(node: SchemaNode, values: readonly (Buffer | number)[]): unknown {
  if (node.type === 'array') return values.map((value) => decodeValue(node.items ?? {}, value));
  if (node.values === undefined) return decodeValue(node, values.at(-1));
  const { values: item } = node;
  return Object.fromEntries(
    values.map((entry) => {
      const pair = readFields(bytesOf(entry));
      const value = pair.get(2)?.[0];
      // A list as the value of a map is a message of its own with the items in field 1.
      const shown =
        item.type === 'array'
          ? decodeField(item, readFields(bytesOf(value)).get(1) ?? [])
          : decodeValue(item, value ?? Buffer.alloc(0));
      return [String(pair.get(1)?.[0] ?? ''), shown];
    }),
  );
}

function decodeValue(node: SchemaNode, value: Buffer | number | undefined): unknown {
  const name = node.definition?.split('.').at(-1) ?? '';
  if (node.properties !== undefined) return decodeMessage(bytesOf(value), node, node.definition ?? '');
  if (name === 'Time' || name === 'MicroTime') return decodeTime(bytesOf(value));
  if (name === 'Quantity') return String(readFields(bytesOf(value)).get(1)?.[0] ?? '0');
  if (node.format === 'int-or-string') {
    const fields = readFields(bytesOf(value));
    return fields.get(1)?.[0] === 1 ? String(fields.get(3)?.[0] ?? '') : Number(fields.get(2)?.[0] ?? 0);
  }
  if (node.format === 'byte') return bytesOf(value).toString('base64');
  if (node.type === 'boolean') return value === 1;
  if (node.type === 'integer' || node.type === 'number') return Number(value ?? 0);
  return String(value ?? '');
}

function decodeTime(bytes: Buffer): string | null {
  const seconds = Number(readFields(bytes).get(1)?.[0] ?? 0);
  return seconds === 0 ? null : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** The fields of a message by number: bytes for length-delimited ones, numbers for varints (protobuf encoding guide). */
function readFields(bytes: Buffer): Map<number, (Buffer | number)[]> {
  const fields = new Map<number, (Buffer | number)[]>();
  let offset = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; offset < bytes.length; shift += 7n) {
      const byte = bytes[offset++] ?? 0;
      value += BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    return Number(BigInt.asIntN(64, value));
  };
  while (offset < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    let value: Buffer | number;
    if (wire === 0) value = varint();
    else if (wire === 2) {
      const length = varint();
      value = bytes.subarray(offset, offset + length);
      offset += length;
    } else throw new StatusError(400, 'BadRequest', `the body has a protobuf field of wire type ${wire}`);
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}
