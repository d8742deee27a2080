import { errorMessage, isMillraceError } from '../../../base/error.ts';
import { isRecord } from '../../../base/json.ts';
import { formatKey, type KubeObject, keyOf } from '../../../base/kube-object.ts';
import { openDataKey } from './data-key.ts';
import type { KeyRing } from './key-ring.ts';
import { sopsError } from './sops-error.ts';
import { detectFormat, formatOfName, parseEncrypted, printPlain, type SopsFormat } from './sops-format.ts';
import { parseSopsMetadata } from './sops-metadata.ts';
import { asJson, decryptTree } from './sops-value.ts';

const decryptAnnotation = 'kustomize.toolkit.fluxcd.io/decrypt';

/** Takes SOPS encryption off files and objects. The MAC is not verified: a build may have changed plain parts. */
export interface Decryptor {
  decryptData(data: Buffer, from: SopsFormat, to: SopsFormat): Promise<Buffer>;
  /** The object in plain; the same one where nothing in it is encrypted. Throws SOPS_DECRYPTION_FAILED. */
  decryptObject(object: KubeObject): Promise<KubeObject>;
}

export function createDecryptor(ring: KeyRing, signal: AbortSignal): Decryptor {
  const decryptData = async (data: Buffer, from: SopsFormat, to: SopsFormat): Promise<Buffer> => {
    const { documents, metadata } = parseEncrypted(data, from);
    const dataKey = await openDataKey(parseSopsMetadata(metadata), ring, signal);
    const plain = documents.map((document) => decryptTree(document, dataKey) as Record<string, unknown>);
    return printPlain(plain, to);
  };

  const decryptFields = async (object: KubeObject): Promise<KubeObject> => {
    const data = isRecord(object['data']) ? object['data'] : {};
    const decrypted: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(data)) {
      const bytes = Buffer.from(typeof value === 'string' ? value : '', 'base64');
      const format = detectFormat(bytes);
      if (format === undefined) continue;
      const plain = await within(object, `Secret field '${key}'`, decryptData(bytes, format, formatOfName(key)));
      decrypted[key] = plain.toString('base64');
    }
    return Object.keys(decrypted).length === 0 ? object : { ...object, data: { ...data, ...decrypted } };
  };

  return {
    decryptData,
    async decryptObject(object) {
      if (isExcluded(object)) return object;
      const { sops, ...rest } = object;
      if (isRecord(sops) && typeof sops['mac'] === 'string' && sops['mac'] !== '') {
        const open = openDataKey(parseSopsMetadata(sops), ring, signal).then((key) => asJson(decryptTree(rest, key)));
        return (await within(object, `${object.kind} data`, open)) as KubeObject;
      }
      return object.kind === 'Secret' ? decryptFields(object) : object;
    },
  };
}

function isExcluded({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[decryptAnnotation]?.toLowerCase() === 'disabled';
}

/** Names the object in a fault of its decryption. */
async function within<T>(object: KubeObject, what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const message = `failed to decrypt and format '${formatKey(keyOf(object))}' ${what}: ${errorMessage(cause)}`;
    throw sopsError(
      message,
      isMillraceError(cause) && cause.hint !== undefined ? { cause, hint: cause.hint } : { cause },
    );
  }
}

/** A Secret that nobody has decrypted must not reach the cluster: its values would be the encrypted text. */
export function refuseEncrypted(object: KubeObject): void {
  if (object.kind !== 'Secret' || object.apiVersion !== 'v1' || object['sops'] === undefined) return;
  if (isExcluded(object)) return;
  const name = `Secret/${formatKey(keyOf(object))}`;
  throw sopsError(`${name} is SOPS encrypted, configuring decryption is required for this secret to be reconciled`, {
    hint: 'Set spec.decryption with the Secret that holds the private key.',
  });
}
