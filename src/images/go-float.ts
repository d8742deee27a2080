/**
 * Parses a number as Go's `strconv.ParseFloat(text, 64)` (spec/image.md §5.7): decimals, exponents, hexadecimal floats
 * with a `p` exponent, single underscores between digits, `inf` and `nan`. Undefined where Go reports an error, overflow
 * included. `Number()` differs on nearly every edge.
 */
export function parseGoFloat(text: string): number | undefined {
  const special = /^(?:([+-]?)inf(?:inity)?|nan)$/i.exec(text);
  if (special !== null) {
    if (special[1] === undefined) return Number.NaN;
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  if (!hasLegalUnderscores(text)) return undefined;
  const plain = text.replaceAll('_', '');
  const value = /^[+-]?0[xX]/.test(plain) ? parseHexFloat(plain) : parseDecimal(plain);
  return value === undefined || !Number.isFinite(value) ? undefined : value;
}

function parseDecimal(text: string): number | undefined {
  return /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text) ? Number(text) : undefined;
}

function parseHexFloat(text: string): number | undefined {
  const match = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const magnitude = scale(Number(BigInt(`0x${whole}${fraction}`)), Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -magnitude : magnitude;
}

/** `value * 2^exponent` in steps, since 2^exponent alone can be out of range while the product is not. */
function scale(value: number, exponent: number): number {
  if (value === 0) return 0;
  let result = value;
  let left = Math.max(-5000, Math.min(5000, exponent));
  while (left !== 0) {
    const step = Math.max(-1000, Math.min(1000, left));
    result *= 2 ** step;
    left -= step;
  }
  return result;
}

/** An underscore stands between two digits, or between a base prefix and a digit. */
function hasLegalUnderscores(text: string): boolean {
  if (!text.includes('_')) return true;
  const isHex = /^[+-]?0[xX]/.test(text);
  const digit = isHex ? '[0-9a-fA-FxX]' : '[0-9]';
  const after = isHex ? '[0-9a-fA-F]' : '[0-9]';
  return !new RegExp(`(?<!${digit})_|_(?!${after})`).test(text);
}
