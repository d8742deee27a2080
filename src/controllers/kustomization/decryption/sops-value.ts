import { createDecipheriv } from 'node:crypto';
import { isRecord } from '../../../base/json.ts';
import { sopsError } from './sops-error.ts';

const encrypted = /^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]$/s;

/** True for text in the form in which SOPS writes an encrypted value. */
export function isEncryptedValue(value: unknown): value is string {
  return typeof value === 'string' && encrypted.test(value);
}

/** What SOPS keeps apart: bytes stay bytes, whole numbers beyond 2^53 become bigint. */
export type PlainValue = string | number | bigint | boolean | Buffer;

/**
 * Decrypts one value of a SOPS file. The keys on the way to it are authenticated with it, so a value that was moved to
 * another key fails. Throws SOPS_DECRYPTION_FAILED, without the value.
 */
export function decryptValue(text: string, dataKey: Buffer, path: readonly string[]): PlainValue {
  const [, data = '', iv = '', tag = '', type = ''] = encrypted.exec(text) ?? [];
  let plain: Buffer;
  try {
    const decipher = createDecipheriv('aes-256-gcm', dataKey, Buffer.from(iv, 'base64'));
    decipher.setAAD(Buffer.from(`${path.join(':')}:`));
    decipher.setAuthTag(Buffer.from(tag, 'base64'));
    plain = Buffer.concat([decipher.update(Buffer.from(data, 'base64')), decipher.final()]);
  } catch {
    throw sopsError(`error decrypting sops tree: the value at '${path.join('.')}' does not decrypt`);
  }
  return typed(plain, type, path);
}

function typed(plain: Buffer, type: string, path: readonly string[]): PlainValue {
  const text = plain.toString('utf8');
  switch (type) {
    case 'bytes':
      return plain;
    case 'bool':
      return text.toLowerCase() === 'true';
    case 'int': {
      if (!/^[+-]?\d+$/.test(text)) throw sopsError(`error decrypting sops tree: no number at '${path.join('.')}'`);
      const number = Number(text);
      return Number.isSafeInteger(number) ? number : BigInt(text);
    }
    case 'float':
      return Number(text);
    default:
      return text;
  }
}

/** A tree with every encrypted value in plain; list positions are no part of a value's path. */
export function decryptTree(value: unknown, dataKey: Buffer, path: readonly string[] = []): unknown {
  if (isEncryptedValue(value)) return decryptValue(value, dataKey, path);
  if (Array.isArray(value)) return value.map((item) => decryptTree(item, dataKey, path));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, decryptTree(item, dataKey, [...path, key])]),
  );
}

/** The tree as JSON knows it: bytes become text. */
export function asJson(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  if (Array.isArray(value)) return value.map(asJson);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asJson(item)]));
}
