/** Whether a private key needs a passphrase, by its form alone: OpenSSH's own, or PEM (PKCS#1, PKCS#8, SEC1). */
export function parsePrivateKeyKind(pem: string): 'plain' | 'encrypted' | 'unknown' {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) return 'encrypted';
  const openssh = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END OPENSSH PRIVATE KEY-----/.exec(pem)?.[1];
  if (openssh === undefined) return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem) ? 'plain' : 'unknown';
  // "openssh-key-v1\0", then the cipher's name as a string (OpenSSH PROTOCOL.key).
  const data = Buffer.from(openssh.replace(/\s+/g, ''), 'base64');
  const start = 'openssh-key-v1\0'.length;
  if (data.length < start + 4) return 'unknown';
  const cipher = data.toString('latin1', start + 4, start + 4 + data.readUInt32BE(start));
  return cipher === 'none' ? 'plain' : 'encrypted';
}
