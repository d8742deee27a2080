import { isRecord } from '../../../base/json.ts';
import { sopsError } from './sops-error.ts';

/** A data key as one master key has encrypted it. */
export interface EncryptedDataKey {
  provider: 'age' | 'pgp' | 'kms' | 'gcp_kms' | 'azure_kv' | 'hc_vault';
  /** Who can decrypt it, for messages: recipient, fingerprint, ARN … */
  recipient: string;
  enc: string;
  /** What else the file says of it (`context`, `role`, `aws_profile` of KMS). */
  fields: Record<string, unknown>;
}

/** The part of a `sops` block that decryption needs. */
export interface SopsMetadata {
  /** One group, or several of which `threshold` must be opened. */
  groups: EncryptedDataKey[][];
  threshold: number;
}

const recipientField = {
  age: 'recipient',
  pgp: 'fp',
  kms: 'arn',
  gcp_kms: 'resource_id',
  azure_kv: 'vault_url',
  hc_vault: 'vault_address',
} as const;
const providers = Object.keys(recipientField) as EncryptedDataKey['provider'][];

/** Reads a `sops` block. Throws SOPS_DECRYPTION_FAILED where it holds no key. */
export function parseSopsMetadata(block: unknown): SopsMetadata {
  if (!isRecord(block)) throw sopsError('failed to load encrypted data: the sops metadata is not a mapping');
  const written = Array.isArray(block['key_groups']) ? block['key_groups'].filter(isRecord) : [];
  const groups = (written.length > 0 ? written : [block]).map(keysOf).filter((keys) => keys.length > 0);
  if (groups.length === 0) throw sopsError('failed to load encrypted data: the sops metadata has no keys');
  const asked = Number(block['shamir_threshold'] ?? 0);
  return { groups, threshold: asked > 0 ? asked : groups.length };
}

function keysOf(group: Record<string, unknown>): EncryptedDataKey[] {
  return providers.flatMap((provider) => {
    const entries = Array.isArray(group[provider]) ? group[provider].filter(isRecord) : [];
    return entries.map((fields) => ({
      provider,
      recipient: String(fields[recipientField[provider]] ?? ''),
      enc: String(fields['enc'] ?? ''),
      fields,
    }));
  });
}

/**
 * The block that dotenv and ini files hold flattened: `age__list_0__map_enc` is `age[0].enc`, and line ends are written
 * as `\n`.
 */
export function unflattenMetadata(flat: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(flat)) {
    const [first = '', ...rest] = key.split(/__(?=list_|map_)/);
    const steps = [first, ...rest.map((step) => step.replace(/^(list|map)_/, ''))];
    place(root, steps, text.replaceAll('\\n', '\n'));
  }
  return asLists(root) as Record<string, unknown>;
}

function place(root: Record<string, unknown>, steps: readonly string[], value: string): void {
  let at = root;
  for (const step of steps.slice(0, -1)) {
    const next = Object.hasOwn(at, step) ? at[step] : undefined;
    const child: Record<string, unknown> = isRecord(next) ? next : {};
    at[step] = child;
    at = child;
  }
  at[steps.at(-1) ?? ''] = value;
}

/** Records whose keys are all numbers are lists. */
function asLists(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const entries = Object.entries(value);
  if (entries.length > 0 && entries.every(([key]) => /^\d+$/.test(key)))
    return entries.map(([, item]) => asLists(item));
  return Object.fromEntries(entries.map(([key, item]) => [key, asLists(item)]));
}
