const digit = /\p{Nd}/u;
const letter = /\p{L}/u;

/** Orders of keys that have been worked out: the mappings of Kubernetes have the same few sets of keys again and again. */
const knownOrders = new Map<string, readonly string[]>();
const mostKnownOrders = 2000;

/** The keys of a mapping in the order of `compareKeys`. */
export function sortedKeys(map: object): readonly string[] {
  const keys = Object.keys(map);
  if (keys.length < 2) return keys;
  const id = keys.join('\0');
  const known = knownOrders.get(id);
  // With a NUL in a key two mappings could share an id; then they differ in length, as no order with such a key is kept.
  if (known?.length === keys.length) return known;
  const isClear = id.length < 1000 && id.split('\0').length === keys.length;
  keys.sort(compareKeys);
  if (isClear && knownOrders.size < mostKnownOrders) knownOrders.set(id, keys);
  return keys;
}

/** The order of mapping keys in go-yaml v2: numbers within names by value, letters after everything else. */
export function compareKeys(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charAt(index);
    const b = right.charAt(index);
    if (a !== b) return compareAt(left, right, index);
  }
  return left.length - right.length;
}

function compareAt(left: string, right: string, index: number): number {
  const a = left.charAt(index);
  const b = right.charAt(index);
  const aIsLetter = isLetter(a);
  const bIsLetter = isLetter(b);
  if (aIsLetter && bIsLetter) return a < b ? -1 : 1;
  if (aIsLetter || bIsLetter) return bIsLetter ? -1 : 1;
  const seed = (a === '0' || b === '0') && followsNonZeroDigits(left, index) ? '1' : '';
  const aDigits = digitsFrom(left, index);
  const bDigits = digitsFrom(right, index);
  const aNumber = BigInt(seed + aDigits || '0');
  const bNumber = BigInt(seed + bDigits || '0');
  if (aNumber !== bNumber) return aNumber < bNumber ? -1 : 1;
  if (aDigits.length !== bDigits.length) return aDigits.length - bDigits.length;
  return a < b ? -1 : 1;
}

function isLetter(character: string): boolean {
  const code = character.charCodeAt(0);
  return code < 128 ? (code >= 65 && code <= 90) || (code >= 97 && code <= 122) : letter.test(character);
}

function followsNonZeroDigits(text: string, index: number): boolean {
  for (let at = index - 1; at >= 0 && digit.test(text.charAt(at)); at--) {
    if (text.charAt(at) !== '0') return true;
  }
  return false;
}

function digitsFrom(text: string, index: number): string {
  return /^[0-9]*/.exec(text.slice(index))?.[0] ?? '';
}
