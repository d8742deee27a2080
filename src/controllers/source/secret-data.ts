import { isRecord } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';

/** A Secret's entries, decoded. */
export type SecretData = ReadonlyMap<string, string>;

/** Data of a Secret; undefined where it does not exist. Read anew at every run: a changed credential counts at once. */
export async function readSecret(
  client: KubeClient,
  key: { namespace: string; name: string },
  signal: AbortSignal,
): Promise<{ type: string; data: SecretData } | undefined> {
  const secret = await client.get<KubeObject>({ apiVersion: 'v1', kind: 'Secret', ...key }, { signal });
  if (secret === undefined) return undefined;
  const data = new Map<string, string>();
  const encoded = isRecord(secret['data']) ? secret['data'] : {};
  for (const [name, value] of Object.entries(encoded)) {
    if (typeof value === 'string') data.set(name, Buffer.from(value, 'base64').toString('utf8'));
  }
  return { type: typeof secret['type'] === 'string' ? secret['type'] : 'Opaque', data };
}

/** The value of the first of these keys that is there and not empty. */
export function firstOf(data: SecretData, ...keys: string[]): string | undefined {
  for (const key of keys) {
    const value = data.get(key);
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}
