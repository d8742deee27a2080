/**
 * Compares by Unicode code points, which is the byte order of UTF-8 that Go's string comparison has. JavaScript's `<`
 * compares UTF-16 units and `localeCompare` a language's order; neither is stable across tools.
 */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates sort above U+E000..U+FFFF in UTF-8, below them in UTF-16.
    const xSurrogate = x >= 0xd800 && x <= 0xdfff;
    const ySurrogate = y >= 0xd800 && y <= 0xdfff;
    if (xSurrogate !== ySurrogate) return xSurrogate ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}
