import type { Kustomization } from '../../api/kustomization.ts';
import { errorMessage } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import { createDecryptor, type Decryptor } from './decryption/decryptor.ts';
import { decryptedFiles } from './decryption/encrypted-files.ts';
import { readKeyMaterial } from './decryption/key-material.ts';
import { createKeyRing } from './decryption/key-ring.ts';
import { gatesOf, type KustomizationDeps } from './deps.ts';
import { KustomizationFault } from './fault.ts';
import { describe } from './variables.ts';

/** Refuses what a gate forbids (spec/kustomization.md §2, step 4). Throws FeatureGateDisabled. */
export function checkDecryption({ spec }: Kustomization, deps: KustomizationDeps): void {
  if (spec.decryption?.serviceAccountName === undefined || gatesOf(deps).objectLevelWorkloadIdentity) return;
  const message =
    'to use spec.decryption.serviceAccountName for decryption authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller';
  throw new KustomizationFault('FeatureGateDisabled', message, 'terminal');
}

/** The decryptor that `spec.decryption` asks for, undefined where it asks for none. Throws BuildFailed. */
export async function openDecryptor(
  { spec, metadata }: Kustomization,
  deps: KustomizationDeps,
  signal: AbortSignal,
): Promise<Decryptor | undefined> {
  if (spec.decryption === undefined) return undefined;
  const { secretRef } = spec.decryption;
  const own = secretRef === undefined ? undefined : { namespace: metadata.namespace ?? '', name: secretRef.name };
  const key = own ?? deps.sopsAgeSecret;
  const data = key === undefined ? {} : await secretData(key, deps, signal);
  const material = readKeyMaterial(own === undefined ? onlyAge(data) : data);
  const account = spec.decryption.serviceAccountName ?? deps.defaultDecryptionServiceAccount;
  if (account !== undefined) material.serviceAccount = { namespace: metadata.namespace ?? '', name: account };
  return createDecryptor(createKeyRing(material, deps.kmsDecrypt), signal);
}

async function secretData(
  { namespace, name }: { namespace: string; name: string },
  { client }: KustomizationDeps,
  signal: AbortSignal,
): Promise<Record<string, Buffer>> {
  const secret = await client.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, { signal });
  if (secret === undefined) {
    const message = `cannot get sops decryption Secret '${namespace}/${name}': secrets "${name}" not found`;
    throw new KustomizationFault('BuildFailed', message, 'retry');
  }
  const data = isRecord(secret['data']) ? secret['data'] : {};
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(String(value), 'base64')]));
}

function onlyAge(data: Record<string, Buffer>): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(data).filter(([name]) => name.endsWith('.agekey')));
}

/** The tree with the files in plain that the build reads as secrets. Throws BuildFailed. */
export async function decryptTreeFiles(fs: FileSystem, dir: string, decryptor: Decryptor): Promise<FileSystem> {
  try {
    return await decryptedFiles(fs, dir, decryptor);
  } catch (cause) {
    const message = `error decrypting sources: ${errorMessage(cause)}`;
    throw new KustomizationFault('BuildFailed', message, 'retry', { cause });
  }
}

/** Throws BuildFailed naming the object. */
export async function decryptObjects(objects: readonly KubeObject[], decryptor: Decryptor): Promise<KubeObject[]> {
  const plain: KubeObject[] = [];
  for (const object of objects) {
    try {
      plain.push(await decryptor.decryptObject(object));
    } catch (cause) {
      const message = `decryption failed for '${describe(object)}': ${errorMessage(cause)}`;
      throw new KustomizationFault('BuildFailed', message, 'retry', { cause });
    }
  }
  return plain;
}
