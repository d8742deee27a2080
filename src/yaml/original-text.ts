/** Where a mapping keeps how its scalars were written; not enumerable, so that nothing else sees it. */
const written = Symbol('written');

interface Written {
  value: unknown;
  text: string;
}

type Marked = Record<string, unknown> & { [written]?: Map<string, Written> };

/** A scalar as the reader hands it to its mapping: the value, and the text that it was made of. */
export class WrittenScalar {
  readonly value: unknown;
  readonly text: string;
  constructor(value: unknown, text: string) {
    this.value = value;
    this.text = text;
  }
}

/** Remembers that the value of a key was written as `text`, for as long as the key keeps that value. */
export function rememberText(map: Record<string, unknown>, key: string, { value, text }: Written): void {
  const marked = map as Marked;
  if (marked[written] === undefined) Object.defineProperty(map, written, { value: new Map(), writable: true });
  marked[written]?.set(key, { value, text });
}

/**
 * The text of a scalar: as it was written where that is known (`1.0`, `~`, `0x1f`), else as it would be printed; '' for what is
 * missing and for collections.
 */
export function textOf(map: Readonly<Record<string, unknown>>, key: string): string {
  const value = map[key];
  if (typeof value === 'string') return value;
  const entry = (map as Marked)[written]?.get(key);
  if (entry !== undefined && Object.is(entry.value, value)) return entry.text;
  return scalarText(value);
}

/** The plain text of a scalar value. */
export function scalarText(value: unknown): string {
  if (value === null) return 'null';
  return value === undefined || typeof value === 'object' ? '' : String(value);
}

/** A deep copy that remembers what the original remembers. */
export function cloneValue<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneValue) as T;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) setKey(copy, key, cloneValue((value as Record<string, unknown>)[key]));
  copyTexts(value as Record<string, unknown>, copy);
  return copy as T;
}

/** Lets a copy of a mapping remember what the original remembers. */
export function copyTexts(from: Record<string, unknown>, to: Record<string, unknown>): void {
  const table = (from as Marked)[written];
  if (table !== undefined) Object.defineProperty(to, written, { value: new Map(table), writable: true });
}

/** Sets a key, also one that means something to JavaScript. */
export function setKey(map: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  else map[key] = value;
}
