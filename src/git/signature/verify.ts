import { MillraceError } from '../../base/error.ts';
import type { SignedObject } from '../commit-object.ts';
import { verifyPgpSignature } from './pgp-signature.ts';
import { verifySshSignature } from './ssh-signature.ts';

/** Whom to believe: armored OpenPGP key rings, and authorized_keys lines. */
export interface TrustedKeys {
  pgp: readonly string[];
  ssh: readonly string[];
}

/**
 * Checks a commit's or tag's signature by what it is (OpenPGP or SSH) and returns the key's id or fingerprint. Throws
 * GIT_SIGNATURE_INVALID with what is wrong: unsigned, of an unknown kind, or by no trusted key.
 */
export async function verifySignedObject(object: SignedObject, keys: TrustedKeys): Promise<string> {
  const { signature, payload } = object;
  if (signature === undefined) throw invalid('it is not signed');
  if (signature.startsWith('-----BEGIN PGP SIGNATURE-----')) {
    if (keys.pgp.length === 0) throw invalid('it carries an OpenPGP signature and no OpenPGP key is given');
    const keyId = await verifyPgpSignature(signature, payload, keys.pgp);
    if (keyId === undefined) throw invalid('unable to verify payload with any of the given key rings');
    return keyId;
  }
  if (signature.startsWith('-----BEGIN SSH SIGNATURE-----')) {
    if (keys.ssh.length === 0) throw invalid('it carries an SSH signature and no SSH key is given');
    const fingerprint = verifySshSignature(signature, payload, keys.ssh);
    if (fingerprint === undefined) throw invalid('unable to verify payload with any of the given authorized keys');
    return fingerprint;
  }
  throw invalid('its kind of signature (x509) is not supported');
}

function invalid(message: string): MillraceError {
  return new MillraceError('GIT_SIGNATURE_INVALID', message, {
    hint: 'Check who signed, and that the Secret holds that public key (*.asc for OpenPGP, *.sshpub for SSH).',
  });
}
