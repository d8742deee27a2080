import type { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { setKey } from '../yaml/original-text.ts';
import { Faults } from './faults.ts';

/** What a configuration may hold, after the types that kustomize decodes it into. */
export type Shape = 'text' | 'flag' | 'integer' | ListShape | MapShape | ObjectShape;
interface ListShape {
  list: Shape;
}
interface MapShape {
  map: Shape;
}
interface ObjectShape {
  fields: Readonly<Record<string, Shape>>;
}

export type FieldPath = readonly (string | number)[];

export interface DecodeOptions {
  /** Fields that are not of the shape are faults; otherwise they are left out. */
  strict: boolean;
  /** Numbers and booleans count as texts where a text is wanted. */
  coerces?: boolean;
  /** Makes the error for a place within the value. */
  fault(path: FieldPath, what: string, hint?: string): MillraceError;
}

/**
 * A value as its shape says, with field names in their known spelling (they are matched without regard to case) and without
 * nulls. Throws every fault there is, together.
 */
export function decode(value: unknown, shape: ObjectShape, options: DecodeOptions): Record<string, unknown> {
  const faults = new Faults();
  const result = new Decoder(options, faults).decode(value, shape, []);
  faults.throwIfAny();
  return isRecord(result) ? result : {};
}

class Decoder {
  private readonly options: DecodeOptions;
  private readonly faults: Faults;

  constructor(options: DecodeOptions, faults: Faults) {
    this.options = options;
    this.faults = faults;
  }

  decode(value: unknown, shape: Shape, path: FieldPath): unknown {
    if (value === null || value === undefined) return undefined;
    if (shape === 'text') return this.text(value, path);
    if (shape === 'flag') return typeof value === 'boolean' ? value : this.wrong(path, 'true or false', value);
    if (shape === 'integer') return this.integer(value, path);
    if ('list' in shape) return this.list(value, shape, path);
    if (!isRecord(value)) return this.wrong(path, 'a mapping', value);
    return 'map' in shape ? this.map(value, shape, path) : this.object(value, shape, path);
  }

  private text(value: unknown, path: FieldPath): unknown {
    if (typeof value === 'string') return value;
    if (this.options.coerces === true && typeof value !== 'object') return String(value);
    const advice = typeof value === 'object' ? undefined : `Quote it: "${String(value)}".`;
    return this.wrong(path, 'a text', value, advice);
  }

  private integer(value: unknown, path: FieldPath): unknown {
    const isInteger = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
    return isInteger ? value : this.wrong(path, 'a whole number', value);
  }

  private list(value: unknown, { list }: ListShape, path: FieldPath): unknown {
    if (!Array.isArray(value)) return this.wrong(path, 'a list', value);
    return value.map((item, index) => this.decode(item, list, [...path, index]) ?? zeroOf(list));
  }

  private map(value: Record<string, unknown>, { map }: MapShape, path: FieldPath): unknown {
    const result: Record<string, unknown> = {};
    for (const key of Object.keys(value))
      setKey(result, key, this.decode(value[key], map, [...path, key]) ?? zeroOf(map));
    return result;
  }

  private object(value: Record<string, unknown>, { fields }: ObjectShape, path: FieldPath): unknown {
    const result: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const name = Object.hasOwn(fields, key) ? key : spelling(fields, key);
      const shape = name === undefined ? undefined : fields[name];
      if (name === undefined || shape === undefined) {
        if (this.options.strict) this.unknown([...path, key], fields);
        continue;
      }
      const decoded = this.decode(value[key], shape, [...path, key]);
      if (decoded !== undefined) result[name] = decoded;
    }
    return result;
  }

  private unknown(path: FieldPath, fields: Readonly<Record<string, Shape>>): void {
    const key = String(path.at(-1));
    const near = nearest(key, Object.keys(fields));
    const hint = near === undefined ? undefined : `Did you mean '${near}'?`;
    this.faults.add(this.options.fault(path, `unknown field '${formatPath(path)}'`, hint));
  }

  private wrong(path: FieldPath, wanted: string, value: unknown, hint?: string): undefined {
    const found = isRecord(value) ? 'a mapping' : Array.isArray(value) ? 'a list' : JSON.stringify(String(value));
    const name = path.length === 0 ? 'it' : `'${formatPath(path)}'`;
    this.faults.add(this.options.fault(path, `${name} should be ${wanted}, not ${found}`, hint));
    return undefined;
  }
}

function zeroOf(shape: Shape): unknown {
  if (shape === 'text') return '';
  if (shape === 'flag') return false;
  if (shape === 'integer') return 0;
  return 'list' in shape ? [] : {};
}

function spelling(fields: Readonly<Record<string, Shape>>, key: string): string | undefined {
  const lower = key.toLowerCase();
  return Object.keys(fields).find((name) => name.toLowerCase() === lower);
}

/** `images[0].newTag` */
export function formatPath(path: FieldPath): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}

/** The known name that a typing error is likely to have meant. */
function nearest(key: string, names: readonly string[]): string | undefined {
  const scored = names.map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }));
  const best = scored.sort((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(key.length / 4)) ? best.name : undefined;
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const change = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
