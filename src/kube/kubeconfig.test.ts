import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { load } from 'js-yaml';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isInstalled } from '../../test/support/programs.ts';
import { credentialSource } from './credentials.ts';
import { inClusterConfig } from './in-cluster.ts';
import { loadKubeConfig, parseKubeConfig } from './kubeconfig.ts';

let dir: string;
const { signal } = new AbortController();

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => rm(dir, { recursive: true }));

const file = async (name: string, text: string) => {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
};
const base64 = (text: string) => Buffer.from(text).toString('base64');

const complete = `
apiVersion: v1
kind: Config
current-context: eks
contexts:
- {name: eks, context: {cluster: eks, user: aws, namespace: apps}}
- {name: lab, context: {cluster: lab, user: lab}}
clusters:
- name: eks
  cluster: {server: 'https://eks.example/', certificate-authority-data: ${base64('CA')}, tls-server-name: real.name, proxy-url: 'http://proxy:3128'}
- name: lab
  cluster: {server: 'https://lab:6443', certificate-authority: lab-ca.pem, insecure-skip-tls-verify: true}
users:
- name: aws
  user:
    as: deployer
    as-groups: [team-a, team-b]
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: ./bin/token
      args: [eks, get-token]
      env: [{name: AWS_PROFILE, value: prod}]
      provideClusterInfo: true
      installHint: install it
- name: lab
  user: {client-certificate-data: ${base64('CERT')}, client-key: lab.key}
`;

test('reads a context with everything it refers to', async () => {
  const path = await file('config', complete);
  await file('lab-ca.pem', 'LAB CA');
  await file('lab.key', 'KEY');
  expect(await loadKubeConfig({ path, env: { PATH: '/bin' } })).toEqual({
    name: 'eks',
    server: 'https://eks.example',
    ca: 'CA',
    tlsServerName: 'real.name',
    proxyUrl: 'http://proxy:3128',
    namespace: 'apps',
    impersonate: { user: 'deployer', groups: ['team-a', 'team-b'] },
    credentials: {
      kind: 'exec',
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        command: join(dir, 'bin/token'),
        args: ['eks', 'get-token'],
        env: { PATH: '/bin', AWS_PROFILE: 'prod' },
        installHint: 'install it',
        cluster: { server: 'https://eks.example/', 'certificate-authority-data': base64('CA') },
      },
    },
  });
  expect(await loadKubeConfig({ path, context: 'lab', env: {} })).toEqual({
    name: 'lab',
    server: 'https://lab:6443',
    ca: 'LAB CA',
    insecureSkipTlsVerify: true,
    namespace: 'default',
    credentials: { kind: 'certificate', cert: 'CERT', key: 'KEY' },
  });
});

test('merges the files of KUBECONFIG, the first entry of a name wins, missing files are passed over', async () => {
  const first = await file('first', 'current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n');
  const second = await file(
    'second',
    `current-context: b
contexts: [{name: a, context: {cluster: other, user: u}}]
clusters: [{name: c, cluster: {server: 'http://c'}}]
users: [{name: u, user: {token: t}}]
`,
  );
  const env = { KUBECONFIG: [first, join(dir, 'missing'), second].join(delimiter) };
  expect(await loadKubeConfig({ env })).toMatchObject({
    server: 'http://c',
    credentials: { kind: 'token', token: 't' },
  });
});

const faults = [
  { name: 'a missing file', text: undefined, message: 'the file does not exist' },
  { name: 'no YAML', text: 'token: secret-value\n  a: [', message: 'it is not valid YAML' },
  { name: 'no current-context', text: 'kind: Config\n', message: 'no current-context is set' },
  { name: 'an unknown context', text: 'current-context: x\n', message: "there is no context 'x'" },
  {
    name: 'an unknown cluster',
    text: 'current-context: x\ncontexts: [{name: x, context: {cluster: gone}}]',
    message: "there is no cluster 'gone'",
  },
];
for (const { name, text, message } of faults) {
  test(`names the fault of ${name}`, async () => {
    const path = text === undefined ? join(dir, 'nothing') : await file('config', text);
    const error = await loadKubeConfig({ path, env: {} }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'KUBECONFIG_INVALID', message: expect.stringContaining(message) });
    expect(String(error)).not.toContain('secret-value');
  });
}

test('a kubeconfig from a Secret may not reach for files or programs of this machine', async () => {
  const where = 'Secret/apps/remote';
  const lab = complete.replace('current-context: eks', 'current-context: lab');
  await expect(parseKubeConfig(complete, { where })).rejects.toThrow('credential plugins (exec) are not allowed');
  await expect(parseKubeConfig(lab, { where })).rejects.toThrow('only certificate-authority-data is allowed');
  expect((await parseKubeConfig(complete, { where, allowExec: true })).credentials.kind).toBe('exec');
});

test('in a pod the ServiceAccount serves, and its rotated token is read again', async () => {
  await file('ca.crt', 'CA');
  await file('namespace', 'flux-system\n');
  await file('token', 'first');
  const config = await inClusterConfig({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }, dir);
  expect(config).toMatchObject({
    name: 'in-cluster',
    server: 'https://[fd00::1]:443',
    ca: 'CA',
    namespace: 'flux-system',
  });
  let now = 0;
  const credentials = credentialSource(config.credentials, { now: () => now });
  expect(await credentials.current(signal)).toEqual({ authorization: 'Bearer first' });
  await file('token', 'second');
  expect(await credentials.current(signal)).toEqual({ authorization: 'Bearer first' });
  now += 61_000;
  expect(await credentials.current(signal)).toEqual({ authorization: 'Bearer second' });
  await file('token', 'third');
  expect(credentials.refused()).toBe(true);
  expect(await credentials.current(signal)).toEqual({ authorization: 'Bearer third' });
});

test('a credential plugin is asked once for many calls, and again before its token ends', async () => {
  const counter = await file('count', '');
  const script = `
const fs = require('node:fs');
fs.appendFileSync(process.argv[1], 'x');
const asked = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
const n = fs.readFileSync(process.argv[1], 'utf8').length;
console.log(JSON.stringify({ apiVersion: asked.apiVersion, kind: 'ExecCredential',
  status: { token: 'token-' + n, expirationTimestamp: '1970-01-01T00:10:00Z' } }));
`;
  let now = 0;
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args: ['-e', script, counter],
    env: {},
  };
  const credentials = credentialSource({ kind: 'exec', exec }, { now: () => now });
  const many = await Promise.all([1, 2, 3].map(() => credentials.current(signal)));
  expect(many.map(({ authorization }) => authorization)).toEqual(Array(3).fill('Bearer token-1'));
  now = 8 * 60_000;
  expect(await credentials.current(signal)).toEqual({ authorization: 'Bearer token-1' });
  now = 9 * 60_000;
  expect(await credentials.current(signal)).toEqual({ authorization: 'Bearer token-2' });
});

test.skipIf(!isInstalled('aws'))(
  'takes the token that the aws CLI gives, as update-kubeconfig writes it down',
  async () => {
    const credentials = 'export AWS_ACCESS_KEY_ID=AKIAEXAMPLE AWS_SECRET_ACCESS_KEY=x AWS_EC2_METADATA_DISABLED=true';
    const wrapper = await file('aws-with-keys', `#!/bin/sh\n${credentials}\nexec aws "$@"\n`);
    await chmod(wrapper, 0o755);
    const eks = `
    apiVersion: client.authentication.k8s.io/v1beta1
    command: ./aws-with-keys
    args: [--region, eu-central-1, eks, get-token, --cluster-name, prod, --output, json]
    env: [{name: AWS_STS_REGIONAL_ENDPOINTS, value: regional}]
    interactiveMode: IfAvailable
`;
    const path = await file(
      'config',
      `{current-context: eks, contexts: [{name: eks, context: {cluster: eks, user: aws}}],
clusters: [{name: eks, cluster: {server: 'https://eks.example'}}],
users: [{name: aws, user: {exec: ${JSON.stringify(load(eks))}}}]}`,
    );
    const config = await loadKubeConfig({ path, env: { PATH: process.env['PATH'], HOME: dir } });
    const source = credentialSource(config.credentials);
    const { authorization } = await source.current(signal);
    expect(authorization).toMatch(/^Bearer k8s-aws-v1\.[\w-]{100,}$/);
    // Good for a quarter of an hour, so it is not asked for again.
    expect((await source.current(signal)).authorization).toBe(authorization);
  },
);

test('a failing plugin is reported by what it said, without its output', async () => {
  const script = 'console.log("secret"); console.error("no profile"); process.exit(3)';
  const exec = { apiVersion: 'v1', command: process.execPath, args: ['-e', script], env: {}, installHint: 'log in' };
  await expect(credentialSource({ kind: 'exec', exec }).current(signal)).rejects.toMatchObject({
    code: 'KUBE_CREDENTIALS',
    message: `Credential plugin ${process.execPath}: no profile`,
    hint: 'log in',
  });
  const missing = { ...exec, command: 'no-such-program' };
  await expect(credentialSource({ kind: 'exec', exec: missing }).current(signal)).rejects.toThrow('is not installed');
});
