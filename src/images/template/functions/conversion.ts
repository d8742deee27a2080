/** Sprig's conversions, encodings, digests and URLs. */
import { createHash } from 'node:crypto';
import { isRecord } from '../../../base/json.ts';
import { parseRange, satisfiesRange } from '../../semver-range.ts';
import { parseLooseVersion } from '../../semver-version.ts';
import { GoMap, GoStruct, isList, mapOf, noValue, printValue, type Value } from '../value.ts';
import { mapAt, textAt, toFloat, toInteger, toText, toTexts } from './arguments.ts';
import type { TemplateFunction } from './function-table.ts';

export const conversionFunctions: Record<string, TemplateFunction> = {
  toString: (args: readonly Value[]) => toText(args[0] ?? null),
  toStrings: ([value = null]) => toTexts(value),
  toInt: ([value = null]) => toInteger(value),
  int: ([value = null]) => toInteger(value),
  int64: ([value = null]) => toInteger(value),
  atoi: (args) => toInteger(/^[+-]?[0-9]+$/.test(textAt(args, 0)) ? textAt(args, 0) : 0n),
  float64: ([value = null]) => toFloat(value),
  toDecimal: ([value = null]) => (/^[0-7]+$/.test(toText(value)) ? BigInt(`0o${toText(value)}`) : 0n),
  toJson: ([value = null]) => toJson(value).replace(/[<>&]/g, escapeForHtml),
  mustToJson: ([value = null]) => toJson(value).replace(/[<>&]/g, escapeForHtml),
  toRawJson: ([value = null]) => toJson(value),
  mustToRawJson: ([value = null]) => toJson(value),
  toPrettyJson: ([value = null]) => toJson(value, '  '),
  mustToPrettyJson: ([value = null]) => toJson(value, '  '),
  fromJson: (args) => fromJson(JSON.parse(textAt(args, 0))),
  mustFromJson: (args) => fromJson(JSON.parse(textAt(args, 0))),
  b64enc: (args) => Buffer.from(textAt(args, 0)).toString('base64'),
  b64dec: (args) => Buffer.from(textAt(args, 0), 'base64').toString('utf8'),
  b32enc: (args) => base32(Buffer.from(textAt(args, 0))),
  sha1sum: (args) => digest('sha1', textAt(args, 0)),
  sha256sum: (args) => digest('sha256', textAt(args, 0)),
  sha512sum: (args) => digest('sha512', textAt(args, 0)),
  adler32sum: (args) => String(adler32(Buffer.from(textAt(args, 0)))),
  urlParse: (args) => parseUrl(textAt(args, 0)),
  urlJoin: (args) => joinUrl(mapAt(args, 0)),
  semver: (args) => semverOf(textAt(args, 0)),
  semverCompare: (args) => {
    const version = parseLooseVersion(textAt(args, 1));
    if (version === undefined) throw new Error('Invalid Semantic Version');
    return satisfiesRange(parseRange(textAt(args, 0)), version);
  },
};

function toJson(value: Value, indent?: string): string {
  return JSON.stringify(plain(value), undefined, indent);
}

function plain(value: Value): unknown {
  if (value === noValue) return null;
  if (typeof value === 'bigint') return Number(value);
  if (isList(value)) return value.map(plain);
  if (value instanceof GoMap)
    return Object.fromEntries(value.entries.map(([key, entry]) => [printValue(key), plain(entry)]));
  if (value instanceof GoStruct) {
    return Object.fromEntries(Object.entries(value.fields).map(([key, entry]) => [key, plain(entry)]));
  }
  return value;
}

function fromJson(value: unknown): Value {
  if (Array.isArray(value)) return value.map(fromJson);
  if (isRecord(value))
    return mapOf(Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fromJson(entry)])));
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  return null;
}

function escapeForHtml(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function digest(algorithm: string, text: string): string {
  return createHash(algorithm).update(text).digest('hex');
}

function base32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const text = (bits.match(/.{1,5}/g) ?? [])
    .map((group) => alphabet[Number.parseInt(group.padEnd(5, '0'), 2)])
    .join('');
  return text.padEnd(Math.ceil(text.length / 8) * 8, '=');
}

function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return (b * 65536 + a) >>> 0;
}

function parseUrl(text: string): Value {
  const url = new URL(text);
  return mapOf({
    scheme: url.protocol.slice(0, -1),
    host: url.host,
    hostname: url.hostname,
    path: url.pathname,
    query: url.search.slice(1),
    opaque: '',
    fragment: url.hash.slice(1),
    userinfo: url.username === '' ? '' : `${url.username}${url.password === '' ? '' : `:${url.password}`}`,
  });
}

function joinUrl(parts: GoMap): string {
  const part = (name: string) => toText(parts.get(name));
  const user = part('userinfo') === '' ? '' : `${part('userinfo')}@`;
  const query = part('query') === '' ? '' : `?${part('query')}`;
  const fragment = part('fragment') === '' ? '' : `#${part('fragment')}`;
  return `${part('scheme')}://${user}${part('host')}${part('path')}${query}${fragment}`;
}

function semverOf(text: string): Value {
  const version = parseLooseVersion(text);
  if (version === undefined) throw new Error('Invalid Semantic Version');
  const { major, minor, patch, prerelease } = version;
  const metadata = text.includes('+') ? text.slice(text.indexOf('+') + 1) : '';
  const full = `${major}.${minor}.${patch}${prerelease === '' ? '' : `-${prerelease}`}${metadata === '' ? '' : `+${metadata}`}`;
  const fields = {
    Major: BigInt(major),
    Minor: BigInt(minor),
    Patch: BigInt(patch),
    Prerelease: prerelease,
    Metadata: metadata,
    Original: text,
  };
  return new GoStruct('*semver.Version', fields, { text: full });
}
