import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export interface KeyedCertificate {
  cert: string;
  key: string;
}

export interface TestAuthority {
  ca: string;
  /** A certificate for 127.0.0.1 (or a name) and a client at once; expired where asked for. */
  issue(options?: { expired?: boolean; name?: string }): Promise<KeyedCertificate>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 24 * 3_600_000;

/** A private certificate authority. */
export async function createAuthority(): Promise<TestAuthority> {
  x509.cryptoProvider.set(webcrypto as never);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=test authority',
    notBefore: new Date(Date.now() - 10 * dayMs),
    notAfter: new Date(Date.now() + 10 * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  return {
    ca: ca.toString('pem'),
    async issue({ expired = false, name } = {}) {
      const own = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: '02',
        subject: 'CN=127.0.0.1',
        issuer: ca.subject,
        notBefore: new Date(Date.now() - 5 * dayMs),
        notAfter: new Date(Date.now() + (expired ? -1 : 5) * dayMs),
        signingAlgorithm: algorithm,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.SubjectAlternativeNameExtension([
            name === undefined ? { type: 'ip', value: '127.0.0.1' } : { type: 'dns', value: name },
          ]),
          new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']),
        ],
      });
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey)).toString('base64');
      const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
      return { cert: certificate.toString('pem'), key };
    },
  };
}
