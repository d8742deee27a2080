/** The values of templates: Go's, as far as templates can tell them apart. Integers are bigint, floats are number. */
export type Value = null | NoValue | boolean | bigint | number | string | readonly Value[] | GoMap | GoStruct;

/** What a missing map entry gives: prints as `<no value>`, counts as false. */
export const noValue: NoValue = { kind: 'no value' };

export interface NoValue {
  readonly kind: 'no value';
}

/** A map; iteration is in the order of its sorted keys, as Go's templates iterate. */
export class GoMap {
  readonly entries: readonly (readonly [key: Value, value: Value])[];
  constructor(entries: Iterable<readonly [Value, Value]>) {
    this.entries = [...entries].sort(([a], [b]) => compareKeys(a, b));
  }
  get(key: Value): Value {
    return this.entries.find(([candidate]) => compareKeys(candidate, key) === 0)?.[1] ?? noValue;
  }
  has(key: Value): boolean {
    return this.entries.some(([candidate]) => compareKeys(candidate, key) === 0);
  }
}

/** A struct: a field that it does not have is an error. */
export class GoStruct {
  readonly typeName: string;
  readonly fields: Readonly<Record<string, Value>>;
  /** How it prints, where it has a String method. */
  readonly text: string | undefined;
  /** Called for fields that were removed from the type; throws. */
  readonly onMissing: ((field: string) => void) | undefined;

  constructor(
    typeName: string,
    fields: Readonly<Record<string, Value>>,
    options: { text?: string; onMissing?: (field: string) => void } = {},
  ) {
    this.typeName = typeName;
    this.fields = fields;
    this.text = options.text;
    this.onMissing = options.onMissing;
  }
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** The map of a plain object. */
export function mapOf(object: Readonly<Record<string, Value>>): GoMap {
  return new GoMap(Object.entries(object));
}

/** What `if` and `and` go by: false, zero, nil and everything empty are false; a struct never is. */
export function isTruthy(value: Value): boolean {
  if (value === null || value === noValue) return false;
  if (isList(value)) return value.length > 0;
  if (value instanceof GoMap) return value.entries.length > 0;
  if (value instanceof GoStruct) return true;
  return Boolean(value);
}

/** `%v`: how `fmt.Print` writes a value. */
export function printValue(value: Value): string {
  if (value === null) return '<nil>';
  if (value === noValue) return '<no value>';
  if (typeof value === 'number') return printFloat(value);
  if (isList(value)) return `[${value.map(printValue).join(' ')}]`;
  if (value instanceof GoMap) {
    return `map[${value.entries.map(([key, entry]) => `${printValue(key)}:${printValue(entry)}`).join(' ')}]`;
  }
  if (value instanceof GoStruct) return value.text ?? `{${Object.values(value.fields).map(printValue).join(' ')}}`;
  return String(value);
}

/** `%v` of a float64: the shortest form, with an exponent below 1e-4 and from 1e21 on. */
export function printFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e21)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return String(value);
}

/** Name of a value's Go type, for messages and `typeOf`. */
export function typeName(value: Value): string {
  if (value === null || value === noValue) return '<nil>';
  if (isList(value)) return '[]interface {}';
  if (value instanceof GoMap) return 'map[string]interface {}';
  if (value instanceof GoStruct) return value.typeName;
  return { bigint: 'int', number: 'float64', string: 'string', boolean: 'bool' }[typeof value as string] ?? 'unknown';
}

/** Kind of a value's Go type, for `kindOf`. */
export function kindName(value: Value): string {
  if (value === null || value === noValue) return 'invalid';
  if (isList(value)) return 'slice';
  if (value instanceof GoMap) return 'map';
  if (value instanceof GoStruct) return 'struct';
  return typeName(value);
}

export function deepEqualValues(a: Value, b: Value): boolean {
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, i) => deepEqualValues(item, b[i] ?? null));
  if (a instanceof GoMap) {
    if (!(b instanceof GoMap) || a.entries.length !== b.entries.length) return false;
    return a.entries.every(([key, value]) => b.has(key) && deepEqualValues(value, b.get(key)));
  }
  if (a instanceof GoStruct)
    return b instanceof GoStruct && printValue(a) === printValue(b) && a.typeName === b.typeName;
  return a === b;
}

/** Map keys: strings by bytes, numbers by size, structs field by field. */
function compareKeys(a: Value, b: Value): number {
  if (a instanceof GoStruct && b instanceof GoStruct) {
    for (const field of Object.keys(a.fields)) {
      const order = compareKeys(a.fields[field] ?? null, b.fields[field] ?? null);
      if (order !== 0) return order;
    }
    return 0;
  }
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
  const left = printValue(a);
  const right = printValue(b);
  return left < right ? -1 : left > right ? 1 : 0;
}
