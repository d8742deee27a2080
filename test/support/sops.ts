import { createCipheriv, randomBytes } from 'node:crypto';
import * as age from 'age-encryption';

/** One value as SOPS writes it; `path` are the keys that lead to it. */
export function encryptValue(value: string | number | boolean, dataKey: Buffer, path: readonly string[]): string {
  const type = typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? 'int' : 'str';
  const plain = typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value);
  const iv = randomBytes(32);
  const cipher = createCipheriv('aes-256-gcm', dataKey, iv);
  cipher.setAAD(Buffer.from(`${path.join(':')}:`));
  const data = Buffer.concat([cipher.update(plain), cipher.final()]);
  const parts = [data, iv, cipher.getAuthTag()].map((part) => part.toString('base64'));
  return `ENC[AES256_GCM,data:${parts[0]},iv:${parts[1]},tag:${parts[2]},type:${type}]`;
}

/** A data key, and how an age recipient's `sops` block holds it. */
export async function newAgeKey() {
  const identity = await age.generateIdentity();
  const recipient = await age.identityToRecipient(identity);
  const wrap = async (content: Uint8Array) => {
    const encrypter = new age.Encrypter();
    encrypter.addRecipient(recipient);
    return { recipient, enc: age.armor.encode(await encrypter.encrypt(content)) };
  };
  return { identity, recipient, wrap };
}
