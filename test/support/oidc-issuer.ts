import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';

/** An OIDC issuer over HTTPS with a certificate authority of its own: the cluster's part of the chain, for tests. */
export interface TestIssuer {
  url: string;
  caPem: string;
  /** Makes the issuer unreachable without closing it. */
  setDown(down: boolean): void;
  token(claims?: Record<string, unknown>, options?: { key?: KeyObject; keyId?: string }): Promise<string>;
  close(): Promise<void>;
}

export const testSubject = 'system:serviceaccount:flux-system:image-reflector-controller';

export async function startTestIssuer(): Promise<TestIssuer> {
  const { privateKey, publicKey, caPem, keyPem, certPem } = keyMaterial();
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test-key', alg: 'RS256', use: 'sig' };
  let isDown = false;
  let url = '';
  const server = createServer({ key: keyPem, cert: certPem }, (request, response) => {
    if (isDown) return response.writeHead(503).end();
    const body = request.url?.endsWith('/openid-configuration')
      ? { issuer: url, jwks_uri: `${url}/openid/v1/jwks` }
      : { keys: [jwk] };
    return response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    caPem,
    setDown: (down) => {
      isDown = down;
    },
    token(claims = {}, { key = privateKey, keyId = 'test-key' } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload = {
        iss: url,
        sub: testSubject,
        aud: ['sts.amazonaws.com'],
        iat: now,
        nbf: now,
        exp: now + 3600,
        ...claims,
      };
      return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: keyId }).sign(key);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

let material: (ReturnType<typeof makeCertificate> & ReturnType<typeof makeKeyPair>) | undefined;

/** Keys take time to make; every issuer of a test file has the same. */
function keyMaterial() {
  material ??= { ...makeCertificate(), ...makeKeyPair() };
  return material;
}

function makeKeyPair() {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

function makeCertificate() {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-issuer-'));
  const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=issuer', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', keyFile, '-out', certFile], {
    stdio: 'ignore',
  });
  const certPem = readFileSync(certFile, 'utf8');
  const keyPem = readFileSync(keyFile, 'utf8');
  rmSync(dir, { recursive: true });
  return { caPem: certPem, certPem, keyPem };
}
