import { isRecord } from '../../../base/json.ts';
import { parseDocuments } from '../../../yaml/documents.ts';
import type { KeyMaterial, StaticAwsCredentials } from './key-ring.ts';

/** The keys in the data of a decryption Secret, by the ends of their names (spec/kustomization.md §5). */
export function readKeyMaterial(data: Readonly<Record<string, Buffer>>): KeyMaterial {
  const material: KeyMaterial = { ageIdentities: [], pgpPrivateKeys: [] };
  for (const [name, content] of Object.entries(data)) {
    const text = content.toString('utf8');
    if (name.endsWith('.agekey')) material.ageIdentities.push(...ageIdentities(text));
    else if (name.endsWith('.asc')) material.pgpPrivateKeys.push(text);
    else if (name === 'sops.aws-kms') {
      const aws = awsCredentials(text);
      if (aws !== undefined) material.aws = aws;
    }
  }
  return material;
}

/** One identity a line, with comments. */
function ageIdentities(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('AGE-SECRET-KEY-'));
}

function awsCredentials(text: string): StaticAwsCredentials | undefined {
  const found = parseDocuments(text, 'sops.aws-kms').find(isRecord) ?? {};
  const { aws_access_key_id: id, aws_secret_access_key: secret, aws_session_token: token } = found;
  if (typeof id !== 'string' || typeof secret !== 'string') return undefined;
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    ...(typeof token === 'string' && token !== '' ? { sessionToken: token } : {}),
  };
}
