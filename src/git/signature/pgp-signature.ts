/** OpenPGP is 1 MB of code and seldom needed: it is loaded when the first signature is met. */
async function loadOpenpgp() {
  return import('openpgp');
}

/**
 * Key id (16 upper-case hex digits) of the primary key whose holder made the detached signature, where the key is in one
 * of the armored key rings; undefined otherwise. Expiry counts at the time of signing, as GnuPG has it.
 */
export async function verifyPgpSignature(
  armored: string,
  payload: Buffer,
  keyRings: readonly string[],
): Promise<string | undefined> {
  const openpgp = await loadOpenpgp();
  const signature = await openpgp.readSignature({ armoredSignature: armored }).catch(() => undefined);
  if (signature === undefined) return undefined;
  const message = await openpgp.createMessage({ binary: new Uint8Array(payload) });
  for (const ring of keyRings) {
    const keys = await openpgp.readKeys({ armoredKeys: ring }).catch(() => []);
    for (const key of keys) {
      const { signatures } = await openpgp.verify({ message, signature, verificationKeys: key });
      for (const found of signatures) {
        if (await found.verified.catch(() => false)) return key.getKeyID().toHex().toUpperCase();
      }
    }
  }
  return undefined;
}

/** A detached, armored signature over `payload` by the only key in `armoredKey`. Its errors are openpgp's. */
export async function signWithPgp(
  armoredKey: string,
  passphrase: string | undefined,
  payload: string,
): Promise<string> {
  const openpgp = await loadOpenpgp();
  const key = await openpgp.readPrivateKey({ armoredKey });
  const usable = key.isDecrypted() ? key : await openpgp.decryptKey({ privateKey: key, passphrase: passphrase ?? '' });
  const message = await openpgp.createMessage({ binary: new TextEncoder().encode(payload) });
  return openpgp.sign({ message, signingKeys: usable, detached: true, format: 'armored' });
}

/** How many keys an armored text holds, and whether the first is locked by a passphrase. Throws where it is no key. */
export async function inspectPgpKey(armoredKey: string): Promise<{ count: number; locked: boolean }> {
  const openpgp = await loadOpenpgp();
  const keys = await openpgp.readPrivateKeys({ armoredKeys: armoredKey });
  return { count: keys.length, locked: keys[0] !== undefined && !keys[0].isDecrypted() };
}
