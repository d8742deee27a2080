import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DockerRegistry, findDockerRegistry, startDockerRegistry } from '../../../test/support/docker-registry.ts';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { makeTempDir } from '../../../test/support/git-repository.ts';
import { runCli } from '../../../test/support/run-cli.ts';
import { createOciHarness, type SourceHarness } from '../../../test/support/source-harness.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { pushBlob, pushManifest } from '../../oci/blobs.ts';
import { mediaTypes } from '../../oci/manifest.ts';
import { createRegistry } from '../../oci/registry.ts';
import { startPlainRegistry } from '../../sandbox/registry/start-registry.ts';

const signal = new AbortController().signal;
const temp = makeTempDir();
const http = createHttpClient();
const folder = join(temp.dir, 'content');
let host: string;
let h: SourceHarness;
let number = 0;
const repository = () => ({ host, name: `org/app${number}` });

const startSandboxRegistry = async (dir: string) => {
  const { port, close } = await startPlainRegistry({ dataDir: dir });
  return { host: `127.0.0.1:${port}`, close };
};
const registries = [
  { name: "Debian's docker-registry", isMissing: findDockerRegistry() === undefined, start: startDockerRegistry },
  { name: "the sandbox's registry", isMissing: false, start: startSandboxRegistry },
];

afterAll(async () => {
  await http.close({ force: true });
  temp.remove();
});

describe.each(registries)('with $name', ({ isMissing, start }) => {
  if (isMissing) {
    test.skip('which is not installed', () => {});
    return;
  }
  let registry: DockerRegistry;
  beforeAll(async () => {
    const dir = join(temp.dir, `registry${number}`);
    mkdirSync(dir, { recursive: true });
    registry = await start(dir);
    host = registry.host;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'deploy'), { recursive: true });
    writeFileSync(join(folder, 'deploy/app.yaml'), 'a: 1\n');
    writeFileSync(join(folder, 'logo.png'), 'p');
    symlinkSync('/etc/passwd', join(folder, 'link'));
  });
  afterAll(async () => {
    await registry?.close();
  });
  beforeEach(async () => {
    number++;
    h = await createOciHarness(join(temp.dir, `h${number}`));
  });

  const put = (spec: Record<string, unknown> = {}) => h.put({ url: `oci://${host}/org/app${number}`, ...spec });
  const push = async (tag: string, ...more: string[]) => {
    const { out, code } = await runCli([
      ...['push', 'artifact', `oci://${host}/org/app${number}:${tag}`, '--path', folder],
      ...['--source', 'https://git.example/fleet', '--revision', 'main@sha1:abc', '-o', 'json', ...more],
    ]);
    expect(code).toBe(0);
    return (JSON.parse(out) as { digest: string }).digest;
  };

  test('stores the content of a tag with its origin', async () => {
    const digest = await push('v1.0.0');
    await put({ ref: { tag: 'v1.0.0' } });
    await h.reconcile();
    expect(h.condition('Ready')).toMatchObject({
      status: 'True',
      reason: 'Succeeded',
      message: `stored artifact for digest 'v1.0.0@${digest}'`,
    });
    expect(h.artifact()).toMatchObject({
      revision: `v1.0.0@${digest}`,
      path: `ocirepository/${h.cluster.namespace}/fleet/${digest}.tar.gz`,
      metadata: {
        'org.opencontainers.image.source': 'https://git.example/fleet',
        'org.opencontainers.image.revision': 'main@sha1:abc',
      },
    });
    expect(h.status()['url']).toBe(`http://artifacts.local./ocirepository/${h.cluster.namespace}/fleet/latest.tar.gz`);
    expect(await h.files()).toEqual({ 'deploy/app.yaml': 'a: 1\n' });
    expect(h.cluster.recorded).toEqual([
      `Normal NewArtifact: stored artifact with revision 'v1.0.0@${digest}' from 'oci://${host}/org/app${number}', origin source 'https://git.example/fleet', origin revision 'main@sha1:abc'`,
    ]);
    h.cluster.patches.length = 0;
    await h.reconcile();
    expect(h.cluster.patches).toEqual([]);
    expect(h.cluster.recorded.at(-1)).toBe(
      `Trace ArtifactUpToDate: artifact up-to-date with remote revision: 'v1.0.0@${digest}'`,
    );
  });

  test('digest, range with filter, latest; a change of the ignore rules makes it anew', async () => {
    const first = await push('1.0.0');
    await push('1.1.0-dev');
    await push('1.2.0');
    const latest = await push('latest', '--annotations', 'x=y');
    await put({ ref: { digest: first, tag: 'nope' } });
    await h.reconcile();
    expect(h.artifact().revision).toBe(first);
    await h.edit({ ref: { semver: '>=1.0.0-0 <1.2.0', tag: 'nope' } });
    await h.reconcile();
    expect(h.artifact().revision).toMatch(/^1\.1\.0-dev@/);
    await h.edit({ ref: { semver: '*', semverFilter: '^1\\.0' } });
    await h.reconcile();
    expect(h.artifact().revision).toBe(`1.0.0@${first}`);
    await h.edit({ ref: undefined });
    await h.reconcile();
    expect(h.artifact().revision).toBe(`latest@${latest}`);
    await h.edit({ ignore: 'deploy/' });
    await h.reconcile();
    expect(await h.files()).toEqual({});
    expect(h.status()['observedIgnore']).toBe('deploy/');
  });

  test('layers: by media type, copied as they are, missing', async () => {
    const client = createRegistry({ http });
    const target = repository();
    const layer = await pushBlob(
      client,
      target,
      { data: Buffer.from('chart bytes'), mediaType: 'application/x' },
      { signal },
    );
    const config = await pushBlob(client, target, { data: Buffer.from('{}'), mediaType: 'application/y' }, { signal });
    const raw = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }),
    );
    await pushManifest(client, target, 'latest', { raw, mediaType: mediaTypes.ociManifest, signal });
    await put({ layerSelector: { mediaType: 'application/x', operation: 'copy' } });
    await h.reconcile();
    expect(h.artifact().digest).toBe(layer.digest);
    await h.edit({ layerSelector: { mediaType: 'application/z' } });
    await h.reconcile();
    expect(h.condition('FetchFailed')).toMatchObject({
      reason: 'OCIArtifactLayerOperationFailed',
      message: "failed to find layer with media type 'application/z' in artifact",
    });
    await h.edit({ layerSelector: { mediaType: 'application/x' } });
    await h.reconcile();
    expect(h.condition('FetchFailed')?.message).toMatch(/^failed to extract layer contents from artifact: /);
    expect(h.artifact().digest).toBe(layer.digest);
  });

  test.each([
    [{ ref: { tag: 'nope' } }, 'OCIArtifactPullFailed', /^failed to determine artifact digest: /],
    [
      { ref: { semver: '>=9' } },
      'ReadOperationFailed',
      /^failed to determine the artifact tag for 'oci:.*no match found/,
    ],
    [{ secretRef: { name: 'nope' } }, 'AuthenticationFailed', /^failed to get credential: /],
    [{ provider: 'aws' }, 'AuthenticationFailed', /^failed to get credential from aws: no AWS identity/],
  ])('%j fails as %s', async (spec, reason, message) => {
    await push('v1.0.0');
    await put(spec);
    expect(await h.reconcile()).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(h.condition('Ready')).toMatchObject({ status: 'False', reason, message: expect.stringMatching(message) });
  });

  test.each([
    [{ url: 'oci://ghcr.io/a/b:v1' }, 'URLInvalid'],
    [{ provider: 'aws', serviceAccountName: 'x' }, 'FeatureGateDisabled'],
  ])('%j stalls', async (spec, reason) => {
    await put(spec);
    expect(await h.reconcile()).toEqual({});
    expect(h.condition('Stalled')).toMatchObject({ reason });
  });

  test('cosign signatures by key: tag of version 2, bundle of version 3, none, a stranger', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
      type: 'spki',
      format: 'pem',
    });
    const digest = await push('v1');
    await h.cluster.put(secretOf('keys', { 'cosign.pub': pem }));
    await put({ ref: { tag: 'v1' }, verify: { provider: 'cosign', secretRef: { name: 'keys' } } });
    await h.reconcile();
    expect(h.condition('Ready')).toMatchObject({
      status: 'False',
      reason: 'VerificationError',
      message: expect.stringMatching(
        /^failed to verify the signature using provider 'cosign': no matching signatures were found for '/,
      ),
    });
    expect(h.artifact()).toBeUndefined();
    const client = createRegistry({ http });
    const target = repository();
    const config = await pushBlob(client, target, { data: Buffer.from('{}'), mediaType: 'application/y' }, { signal });
    const attach = async (tag: string, layers: unknown[], more = {}) => {
      const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers, ...more };
      const raw = Buffer.from(JSON.stringify(manifest));
      return {
        raw,
        digest: await pushManifest(client, target, tag, { raw, mediaType: mediaTypes.ociManifest, signal }),
      };
    };
    const payload = Buffer.from(JSON.stringify({ critical: { image: { 'docker-manifest-digest': digest } } }));
    const blob = await pushBlob(
      client,
      target,
      { data: payload, mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json' },
      { signal },
    );
    const signature = sign('sha256', payload, privateKey).toString('base64');
    await attach(`${digest.replace(':', '-')}.sig`, [
      { ...blob, annotations: { 'dev.cosignproject.cosign/signature': signature } },
    ]);
    await h.reconcile();
    expect(h.condition('SourceVerified')).toMatchObject({
      status: 'True',
      message: `verified signature of revision v1@${digest}`,
    });
    await h.cluster.put(secretOf('keys', { 'cosign.pub': stranger.toString() }));
    await h.edit({ interval: '2m' });
    await h.reconcile();
    expect(h.condition('SourceVerified')).toMatchObject({ status: 'False', reason: 'VerificationError' });

    await h.cluster.put(secretOf('keys', { 'cosign.pub': pem }));
    const second = await push('v2', '--annotations', 'n=2');
    const predicateType = 'https://sigstore.dev/cosign/sign/v1';
    const statement = JSON.stringify({ predicateType, subject: [{ digest: { sha256: second.split(':')[1] } }] });
    const type = 'application/vnd.in-toto+json';
    const signed = `DSSEv1 ${type.length} ${type} ${statement.length} ${statement}`;
    const bundle = {
      dsseEnvelope: {
        payload: Buffer.from(statement).toString('base64'),
        payloadType: type,
        signatures: [{ sig: sign('sha256', Buffer.from(signed), privateKey).toString('base64') }],
      },
    };
    const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
    const layer = await pushBlob(
      client,
      target,
      { data: Buffer.from(JSON.stringify(bundle)), mediaType: bundleType },
      { signal },
    );
    const attached = await attach('bundle', [layer], { artifactType: bundleType });
    const entry = {
      mediaType: mediaTypes.ociManifest,
      digest: attached.digest,
      size: attached.raw.length,
      artifactType: bundleType,
    };
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] }));
    await pushManifest(client, target, second.replace(':', '-'), {
      raw: index,
      mediaType: mediaTypes.ociIndex,
      signal,
    });
    await h.edit({ ref: { tag: 'v2' } });
    await h.reconcile();
    expect(h.condition('SourceVerified')).toMatchObject({ status: 'True' });
    await h.edit({ verify: { provider: 'cosign' } });
    expect(await h.reconcile()).toEqual({});
    expect(h.condition('Stalled')?.message).toMatch(/keyless/);
  });

  test('the command line: pull, tag, list', async () => {
    const digest = await push('v1.0.0', '--reproducible');
    expect(await push('again', '--reproducible')).toBe(digest);
    const address = `oci://${host}/org/app${number}`;
    const out = join(temp.dir, `out${number}`);
    const pulled = await runCli(['artifact', 'pull', `${address}:v1.0.0`, '--output-path', out]);
    expect(pulled.out).toMatch(/1 files? in/);
    expect((await runCli(['artifact', 'tag', `${address}:v1.0.0`, '--tag', 'stable', '--tag', 'prod'])).code).toBe(0);
    const listed = await runCli(['list', 'artifacts', address, '-o', 'json']);
    const names = (JSON.parse(listed.out) as { artifact: string }[]).map(({ artifact: name }) =>
      name.split(':').at(-1),
    );
    expect(names.sort()).toEqual(['again', 'prod', 'stable', 'v1.0.0']);
    expect(
      (await runCli(['artifact', 'push', `${address}:x`, '--path', '/nope', '--source', 's', '--revision', 'r'])).code,
    ).toBe(2);
  });
});
