import { describeKeyFault, type KeyRing } from './key-ring.ts';
import { combineShares } from './shamir.ts';
import { sopsError } from './sops-error.ts';
import type { EncryptedDataKey, SopsMetadata } from './sops-metadata.ts';

/** Local keys before those that ask a service, as SOPS. */
const order: EncryptedDataKey['provider'][] = ['age', 'pgp', 'kms', 'gcp_kms', 'azure_kv', 'hc_vault'];

/** The key that the values of a file are encrypted with. Throws SOPS_DECRYPTION_FAILED naming every key that was tried. */
export async function openDataKey(
  { groups, threshold }: SopsMetadata,
  ring: KeyRing,
  signal: AbortSignal,
): Promise<Buffer> {
  const faults: string[] = [];
  const parts: Buffer[] = [];
  for (const group of groups) {
    const part = await openGroup(group, ring, faults, signal);
    if (part !== undefined) parts.push(part);
    if (parts.length === threshold) break;
  }
  if (parts.length < threshold) {
    throw sopsError(`cannot get sops data key: ${faults.join('; ')}`, {
      hint: 'The Secret named by spec.decryption.secretRef must hold a private key of one of the recipients.',
    });
  }
  return groups.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : combineShares(parts);
}

async function openGroup(
  group: readonly EncryptedDataKey[],
  ring: KeyRing,
  faults: string[],
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const sorted = [...group].sort((a, b) => order.indexOf(a.provider) - order.indexOf(b.provider));
  for (const key of sorted) {
    try {
      const opened = await ring.open(key, signal);
      if (opened !== undefined) return opened;
      faults.push(describeKeyFault(key, undefined));
    } catch (error) {
      signal.throwIfAborted();
      faults.push(describeKeyFault(key, error));
    }
  }
  return undefined;
}
