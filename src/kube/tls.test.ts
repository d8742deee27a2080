import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHttpProxy, startSocksProxy } from '../../test/support/proxies.ts';
import { newLifetime } from '../base/deadline.ts';
import { createKubeClient } from './api-client.ts';
import type { Credentials, KubeConfig } from './config.ts';

const { signal } = newLifetime();

interface Certificate {
  cert: string;
  key: string;
}

let dir: string;
let ca: Certificate;
let server: ReturnType<typeof createServer>;
let port: number;

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

/** A certificate by openssl, signed by the test's authority or by itself. */
function issue(name: string, extension: string, isAuthority = false): Certificate {
  const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}.key`)];
  const signer = isAuthority ? [] : ['-CA', join(dir, 'ca.pem'), '-CAkey', join(dir, 'ca.key')];
  const request = ['req', '-x509', '-subj', `/CN=${name}`, '-addext', extension, '-keyout', key, '-out', cert];
  execFileSync('openssl', [...request, ...newKey, ...signer], { stdio: 'ignore' });
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

function hasOpenssl(): boolean {
  try {
    return execFileSync('openssl', ['version']).toString().startsWith('OpenSSL 3');
  } catch {
    return false;
  }
}
const it = test.skipIf(!hasOpenssl()); // openssl makes the certificates

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tls-'));
  if (!hasOpenssl()) return;
  ca = issue('ca', 'keyUsage=keyCertSign', true);
  const { cert, key } = issue('server', 'subjectAltName=DNS:kubernetes.default');
  server = createServer(
    { cert, key, ca: ca.cert, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      response.end(JSON.stringify({ user: subject?.CN ?? null, authorization: request.headers.authorization ?? null }));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  rmSync(dir, { recursive: true });
});

const config = (more: Partial<KubeConfig>, credentials: Credentials = { kind: 'none' }): KubeConfig => ({
  name: 'tls',
  server: `https://127.0.0.1:${port}`,
  namespace: 'default',
  credentials,
  ...more,
});
async function whoAmI(more: Partial<KubeConfig>, credentials?: Credentials): Promise<unknown> {
  const client = createKubeClient(config(more, credentials));
  try {
    return await client.readPath('/', { signal });
  } finally {
    await client.close();
  }
}

it('trusts the authority of the kubeconfig, for the name that it gives', async () => {
  const trusted = { ca: ca.cert, tlsServerName: 'kubernetes.default' };
  expect(await whoAmI(trusted, { kind: 'token', token: 't' })).toEqual({ user: null, authorization: 'Bearer t' });
  await expect(whoAmI({ ca: ca.cert })).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
  await expect(whoAmI({})).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
  expect(await whoAmI({ insecureSkipTlsVerify: true })).toMatchObject({ user: null });
});

it('shows a client certificate, and a new one as the plugin gives it', async () => {
  const trusted = { ca: ca.cert, tlsServerName: 'kubernetes.default' };
  const jane = issue('jane', 'keyUsage=digitalSignature');
  expect(await whoAmI(trusted, { kind: 'certificate', ...jane })).toMatchObject({ user: 'jane' });
  const joe = issue('joe', 'keyUsage=digitalSignature');
  const status = (who: Certificate) => ({ clientCertificateData: who.cert, clientKeyData: who.key });
  // Gives jane first, and joe once jane's time is over.
  const script = `
const fs = require('node:fs');
const first = !fs.existsSync(process.argv[1]);
fs.writeFileSync(process.argv[1], '');
const [jane, joe] = JSON.parse(process.argv[2]);
const status = first ? { ...jane, expirationTimestamp: new Date(Date.now() - 1000).toISOString() } : joe;
console.log(JSON.stringify({ kind: 'ExecCredential', status }));`;
  const marker = join(dir, 'asked');
  const args = ['-e', script, marker, JSON.stringify([status(jane), status(joe)])];
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args, env: {} };
  const client = createKubeClient(config(trusted, { kind: 'exec', exec }));
  expect(await client.readPath('/', { signal })).toMatchObject({ user: 'jane' });
  expect(await client.readPath('/', { signal })).toMatchObject({ user: 'joe' });
  await client.close();
});

it.each([
  { scheme: 'http', open: startHttpProxy },
  { scheme: 'socks5', open: startSocksProxy },
])('reaches the server through the $scheme proxy of the kubeconfig', async ({ scheme, open }) => {
  const proxy = await open('jane:secret');
  const trusted = { ca: ca.cert, tlsServerName: 'kubernetes.default' };
  const through = (user: string) => ({ ...trusted, proxyUrl: `${scheme}://${user}@${proxy.address}` });
  expect(await whoAmI(through('jane:secret'))).toMatchObject({ user: null });
  expect(proxy.targets).toEqual([`127.0.0.1:${port}`]);
  const error = await whoAmI(through('jane:wrong')).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'HTTP_UNREACHABLE' });
  expect(String(error)).not.toContain('wrong');
  await proxy.close();
});
