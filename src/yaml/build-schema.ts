import { defineScalarTag, mapTag, mergeTag, NOT_RESOLVED, nullCoreTag, Schema, seqTag, strTag } from 'js-yaml';
import { remembering, sequenceOfValues, strictMap } from './remembering-tags.ts';

export interface SchemaOptions {
  /** YAML 1.1 as go-yaml v2 reads it: `yes`, `on`, `y` and their opposites are booleans. */
  oldBooleans?: boolean;
  /** Mappings remember how their scalars were written (`textOf`), and keys that are no text are refused. */
  keepText?: boolean;
}

/**
 * Scalars as go-yaml v3 resolves them: only true and false are booleans, `0777` is octal, integers keep 64 bits (bigint where a
 * number would round), dates become full RFC 3339 texts.
 */
export function buildSchema({ oldBooleans = false, keepText = false }: SchemaOptions = {}): Schema {
  const key = `${oldBooleans} ${keepText}`;
  const known = schemas.get(key);
  if (known !== undefined) return known;
  const schema = newSchema(oldBooleans, keepText);
  schemas.set(key, schema);
  return schema;
}

/** A schema is a constant that takes longer to make than most manifests to read. */
const schemas = new Map<string, Schema>();

function newSchema(oldBooleans: boolean, keepText: boolean): Schema {
  const truths = oldBooleans ? oldTruths : /^(?:true|True|TRUE)$/;
  const untruths = oldBooleans ? oldUntruths : /^(?:false|False|FALSE)$/;
  const bool = defineScalarTag('tag:yaml.org,2002:bool', {
    implicit: true,
    implicitFirstChars: [...'tTfFyYnNoO'],
    resolve: (text, isExplicit) => {
      if (truths.test(text)) return true;
      if (untruths.test(text)) return false;
      if (isExplicit && /^(?:y|yes|on)$/i.test(text)) return true;
      return isExplicit && /^(?:n|no|off)$/i.test(text) ? false : NOT_RESOLVED;
    },
    identify: (value) => typeof value === 'boolean',
  });
  const int = defineScalarTag<number | bigint>('tag:yaml.org,2002:int', {
    implicit: true,
    implicitFirstChars: [...'+-0123456789'],
    resolve: (text) => parseInteger(text) ?? NOT_RESOLVED,
    identify: (value) => Number.isInteger(value) || typeof value === 'bigint',
  });
  const float = defineScalarTag<number>('tag:yaml.org,2002:float', {
    implicit: true,
    implicitFirstChars: [...'+-.0123456789'],
    resolve: (text, isExplicit) => parseFloatText(text, isExplicit) ?? NOT_RESOLVED,
    identify: (value) => typeof value === 'number',
  });
  const timestamp = defineScalarTag<string>('tag:yaml.org,2002:timestamp', {
    implicit: true,
    implicitFirstChars: [...'0123456789'],
    resolve: (text) => parseTimestamp(text) ?? NOT_RESOLVED,
    identify: () => false,
  });
  const binary = defineScalarTag<string>('tag:yaml.org,2002:binary', {
    resolve: (text) => Buffer.from(text.replace(/\s/g, ''), 'base64').toString('utf8'),
    identify: () => false,
  });
  const scalars = [nullCoreTag, bool, int, float, timestamp];
  return keepText
    ? new Schema([strTag, ...scalars.map(remembering), binary, mergeTag, sequenceOfValues(), strictMap()])
    : new Schema([strTag, ...scalars, binary, mergeTag, seqTag, mapTag]);
}

const oldTruths = /^(?:true|True|TRUE|y|Y|yes|Yes|YES|on|On|ON)$/;
const oldUntruths = /^(?:false|False|FALSE|n|N|no|No|NO|off|Off|OFF)$/;

function parseInteger(text: string): number | bigint | undefined {
  const plain = text.replaceAll('_', '');
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)$/.exec(plain);
  if (match === null) return undefined;
  const [, sign, digits = '0'] = match;
  const literal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const value = BigInt(literal) * (sign === '-' ? -1n : 1n);
  if (value > 18446744073709551615n || value < -9223372036854775808n) return Number(value);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(value) : value;
}

function parseFloatText(text: string, isExplicit: boolean): number | undefined {
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) return Number.NaN;
  if (/^[-+]?\.(?:inf|Inf|INF)$/.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const plain = text.replaceAll('_', '');
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(plain)) return Number(plain);
  return isExplicit && plain !== '' && !Number.isNaN(Number(plain)) ? Number(plain) : undefined;
}

const timestampParts =
  /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]|[ ]+)([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(\.[0-9]+)?(?:(Z)|([-+][0-9]{1,2}:[0-9]{2}))?)?$/;

function parseTimestamp(text: string): string | undefined {
  const match = timestampParts.exec(text);
  if (match === null) return undefined;
  const [, year = '', month = '', day = '', hour = '0', minute = '0', second = '0', fraction = '', , zone] = match;
  const two = (part: string) => part.padStart(2, '0');
  const date = `${year}-${two(month)}-${two(day)}`;
  const parsed = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(parsed.getTime()) || parsed.getUTCDate() !== Number(day)) return undefined;
  const rest = fraction.replace(/0+$/, '');
  return `${date}T${two(hour)}:${two(minute)}:${two(second)}${rest === '.' ? '' : rest}${zone ?? 'Z'}`;
}
