import { StatusError } from '../errors/status-error.ts';

/**
 * Bodies in Kubernetes' protobuf encoding, which kubectl uses for the built-in kinds that it creates by typed clients. The
 * field numbers are those of the published `generated.proto` files; kinds that are not listed are refused as 415.
 */
type Field =
  | { name: string; type: 'string' | 'bool' | 'int' | 'bytes' }
  | { name: string; type: 'strings' }
  | { name: string; type: 'map'; values: 'string' | 'bytes' }
  | { name: string; type: 'message'; fields: Message };
type Message = Readonly<Record<number, Field>>;

const text = (name: string): Field => ({ name, type: 'string' });
const message = (name: string, fields: Message): Field => ({ name, type: 'message', fields });
const stringMap = (name: string): Field => ({ name, type: 'map', values: 'string' });
const bytesMap = (name: string): Field => ({ name, type: 'map', values: 'bytes' });

const metadata = message('metadata', {
  1: text('name'),
  2: text('generateName'),
  3: text('namespace'),
  11: stringMap('labels'),
  12: stringMap('annotations'),
});

const messages: Readonly<Record<string, Message>> = {
  ConfigMap: { 1: metadata, 2: stringMap('data'), 3: bytesMap('binaryData'), 4: { name: 'immutable', type: 'bool' } },
  Secret: {
    1: metadata,
    2: bytesMap('data'),
    3: text('type'),
    4: stringMap('stringData'),
    5: { name: 'immutable', type: 'bool' },
  },
  Namespace: { 1: metadata },
  ServiceAccount: { 1: metadata },
  DeleteOptions: {
    1: { name: 'gracePeriodSeconds', type: 'int' },
    2: message('preconditions', { 1: text('uid'), 2: text('resourceVersion') }),
    4: text('propagationPolicy'),
    5: { name: 'dryRun', type: 'strings' },
  },
  SelfSubjectReview: { 1: metadata },
  SelfSubjectAccessReview: {
    1: metadata,
    2: message('spec', {
      1: message('resourceAttributes', {
        1: text('namespace'),
        2: text('verb'),
        3: text('group'),
        4: text('version'),
        5: text('resource'),
        6: text('subresource'),
        7: text('name'),
      }),
      2: message('nonResourceAttributes', { 1: text('path'), 2: text('verb') }),
    }),
  },
  TokenRequest: {
    1: metadata,
    2: message('spec', {
      1: { name: 'audiences', type: 'strings' },
      3: message('boundObjectRef', { 1: text('kind'), 2: text('apiVersion'), 3: text('name'), 4: text('uid') }),
      4: { name: 'expirationSeconds', type: 'int' },
    }),
  },
};

const magic = Buffer.from('k8s\0');

export function isProtobuf(body: Buffer): boolean {
  return body.subarray(0, magic.length).equals(magic);
}

/** The object of a body: an envelope (`runtime.Unknown`) with the kind and the encoded object. */
export function decodeProtobuf(body: Buffer): Record<string, unknown> {
  const envelope = readFields(body.subarray(magic.length));
  const type = readFields(envelope.get(1)?.[0] as Buffer);
  const [apiVersion, kind] = [1, 2].map((number) => String(type.get(number)?.[0] ?? ''));
  const known = messages[kind ?? ''];
  if (known === undefined) {
    const why = `${kind} cannot be read from protobuf here; send JSON (for kubectl: apply it from a file)`;
    throw new StatusError(415, 'UnsupportedMediaType', why);
  }
  return { apiVersion, kind, ...decode(envelope.get(2)?.[0] as Buffer, known) };
}

function decode(bytes: Buffer, fields: Message): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [number, values] of readFields(bytes)) {
    const field = fields[number];
    if (field === undefined) continue;
    const value = readField(field, values);
    if (value !== '') object[field.name] = value;
  }
  return object;
}

function readField(field: Field, values: readonly (Buffer | number)[]): unknown {
  const last = values.at(-1);
  switch (field.type) {
    case 'bool':
      return last === 1;
    case 'int':
      return last;
    case 'strings':
      return values.map(String);
    case 'bytes':
      return (last as Buffer).toString('base64');
    case 'message':
      return decode(last as Buffer, field.fields);
    case 'map':
      return Object.fromEntries(
        values.map((entry) => {
          const pair = readFields(entry as Buffer);
          const value = pair.get(2)?.[0];
          const shown =
            Buffer.isBuffer(value) && field.values === 'bytes' ? value.toString('base64') : String(value ?? '');
          return [String(pair.get(1)?.[0] ?? ''), shown];
        }),
      );
    default:
      return String(last);
  }
}

/** The fields of a message by number: bytes for length-delimited ones, numbers for varints (protobuf encoding guide). */
function readFields(bytes: Buffer | undefined): Map<number, (Buffer | number)[]> {
  const fields = new Map<number, (Buffer | number)[]>();
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; bytes !== undefined && offset < bytes.length; shift += 7) {
      const byte = bytes[offset++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return value;
  };
  while (bytes !== undefined && offset < bytes.length) {
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
