import { sopsError } from './sops-error.ts';

/**
 * Puts a secret together again from shares of Shamir's scheme over GF(2^8), as HashiCorp's library (which SOPS uses)
 * writes them: the last byte of a share is its x coordinate.
 */
export function combineShares(shares: readonly Buffer[]): Buffer {
  const length = (shares[0]?.length ?? 1) - 1;
  const xs = shares.map((share) => share.at(-1) ?? 0);
  if (length < 1 || shares.some((share) => share.length !== length + 1) || new Set(xs).size !== xs.length) {
    throw sopsError('cannot get sops data key: the shares of the key groups do not fit together');
  }
  const weights = xs.map((x, i) =>
    xs.reduce((product, other, j) => (i === j ? product : multiply(product, divide(other, x ^ other))), 1),
  );
  return Buffer.from(
    Array.from({ length }, (_, at) =>
      shares.reduce((sum, share, i) => sum ^ multiply(share[at] ?? 0, weights[i] ?? 0), 0),
    ),
  );
}

/** In the field of AES: reduction by x^8 + x^4 + x^3 + x + 1. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let left = a, right = b; right > 0; right >>= 1) {
    if (right & 1) product ^= left;
    left = (left << 1) ^ (left & 0x80 ? 0x11b : 0);
  }
  return product;
}

function divide(a: number, b: number): number {
  // b^254 is the inverse of b.
  let inverse = 1;
  for (let i = 0; i < 254; i++) inverse = multiply(inverse, b);
  return multiply(a, inverse);
}
