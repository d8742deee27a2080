/**
 * Whether a private key for SSH is locked by a passphrase: OpenSSH's own form names its cipher in front (PROTOCOL.key), the
 * older PEM forms say so in words.
 */
export function isLockedSshKey(identity: string): boolean {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(identity)?.[1];
  if (body === undefined) return /ENCRYPTED/.test(identity);
  const bytes = Buffer.from(body.replace(/\s/g, ''), 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes.toString('latin1', 0, magic.length) !== magic || bytes.length < magic.length + 4) return false;
  const length = bytes.readUInt32BE(magic.length);
  return bytes.toString('latin1', magic.length + 4, magic.length + 4 + length) !== 'none';
}
