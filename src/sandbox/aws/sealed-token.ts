import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Tokens that carry their own content, sealed with the sandbox's key: session tokens and registry passwords need no
 * storage and outlive a restart. `purpose` keeps one kind from being used as another.
 */
export function sealToken(key: Buffer, purpose: string, content: unknown): string {
  const body = Buffer.from(JSON.stringify(content));
  return Buffer.concat([seal(key, purpose, body), body]).toString('base64');
}

/** The content of a token sealed by `sealToken`; undefined for any other text. The caller knows the type it sealed. */
export function openToken<T>(key: Buffer, purpose: string, token: string): T | undefined {
  const bytes = Buffer.from(token, 'base64');
  if (bytes.length <= sealLength || bytes.toString('base64') !== token) return undefined;
  const body = bytes.subarray(sealLength);
  if (!timingSafeEqual(seal(key, purpose, body), bytes.subarray(0, sealLength))) return undefined;
  return JSON.parse(body.toString()) as T;
}

const sealLength = 32;

function seal(key: Buffer, purpose: string, body: Buffer): Buffer {
  return createHmac('sha256', key).update(`${purpose}\n`).update(body).digest();
}
