import { because, type Report, type Rule } from '../rule.ts';
import { noPodIdentity, trustRefused } from '../signs.ts';

export const sopsDecryptionFailed: Rule = {
  code: 'sops-decryption-failed',
  cause: 'Encrypted data cannot be decrypted, or the Kustomization has no spec.decryption.',
  fix: 'Set spec.decryption with provider sops and a Secret holding the key, or give the controller a role that may use the KMS key.',
  commands: ['kubectl -n $NS get kustomization $NAME -o jsonpath="{.spec.decryption}"'],
  says: [
    [/Error (getting|decrypting) (the )?data key|\d+ successful groups required/i, 0.93],
    [/\bMAC mismatch\b|ciphertext refers to a customer master key/i, 0.9],
    [/Secret[^.]*data values must be of type string/i, 0.6],
    [/sops data key|Failed to get the data key required to decrypt/i, 0.94],
    [/is SOPS encrypted/i, 0.96],
    [
      /decryption failed for|decryption failed: No secret key|does not match sops' data format|sops metadata not found/i,
      0.92,
    ],
    [/could not decrypt data key|load age identities|decryption secret error|error decrypting/i, 0.95],
    [/sops[^.]*(cannot|failed|unable)|no identity matched any of the recipients/i, 0.85],
    [/\bKMS\b[\s\S]*(AccessDenied|Decrypt|not authorized)/i, 0.85],
  ],
  weigh,
  examples: [
    { symptom: 'decryption failed for x: cannot get sops data key: 0 successful groups required, got 0', found: true },
    {
      symptom: 'failed to decrypt sops data key with AWS KMS: no EC2 IMDS role found',
      facts: { identity_design: 'irsa', sa_role_arn_annotation: null },
      found: false,
    },
  ],
};

function weigh(confidence: number, { symptom, facts }: Report) {
  // A missing identity shows up at KMS first; then the identity is the cause and this is where it was noticed.
  const identityKnown = 'identity_design' in facts || 'trust_policy' in facts;
  const identityFault = noPodIdentity.test(symptom) || trustRefused.test(symptom);
  return because(identityFault && identityKnown ? 0.7 : identityFault ? 0.65 : confidence);
}
