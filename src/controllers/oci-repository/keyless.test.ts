import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { makeTempDir } from '../../../test/support/git-repository.ts';
import { createSigstore, type Identity, type TestBundle, type TestSigstore } from '../../../test/support/sigstore.ts';
import { createOciHarness, type SourceHarness } from '../../../test/support/source-harness.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { pushBlob, pushManifest } from '../../oci/blobs.ts';
import { mediaTypes } from '../../oci/manifest.ts';
import { createRegistry } from '../../oci/registry.ts';
import type { HttpListener } from '../../sandbox/http-listener.ts';
import { startPlainRegistry } from '../../sandbox/registry/start-registry.ts';
import { isSignedByIdentity } from './cosign-keyless.ts';

const signal = new AbortController().signal;
const who: Identity = {
  issuer: 'https://token.actions.githubusercontent.com',
  subject: 'https://github.com/org/app/.github/workflows/release.yml@refs/heads/main',
};
const predicateType = 'https://sigstore.dev/cosign/sign/v1';
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
let sigstore: TestSigstore;

beforeAll(async () => {
  sigstore = await createSigstore();
});

describe('a bundle', () => {
  const statement = JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', predicateType, subject: [] });
  const trusts = (bundle: TestBundle, identities: Identity[] = [], trustedRoot = sigstore.trustedRoot) => {
    const { payload, payloadType } = bundle.dsseEnvelope;
    const found = { bundle, payload: Buffer.from(payload, 'base64'), payloadType, signatures: [] };
    return isSignedByIdentity({ simple: [], statements: [found] }, { trustedRoot, identities });
  };

  test('of anybody, of whom is asked for, of somebody else', async () => {
    const bundle = await sigstore.signStatement(statement, who);
    expect(await trusts(bundle)).toBe(true);
    expect(
      await trusts(bundle, [
        { issuer: 'nobody', subject: '.*' },
        { issuer: '^https://token', subject: '/org/' },
      ]),
    ).toBe(true);
    expect(await trusts(bundle, [{ issuer: 'gitlab', subject: '.*' }])).toBe(false);
    expect(await trusts(bundle, [{ issuer: '.*', subject: '^https://github.com/other/' }])).toBe(false);
  });

  const spoilt: [string, (bundle: TestBundle) => void][] = [
    [
      'another statement',
      (bundle) => {
        bundle.dsseEnvelope.payload = Buffer.from(`${statement} `).toString('base64');
      },
    ],
    [
      'another signature',
      (bundle) => {
        bundle.dsseEnvelope.signatures[0].sig = Buffer.from('x').toString('base64');
      },
    ],
    [
      'no entry of the log',
      (bundle) => {
        bundle.verificationMaterial.tlogEntries = [];
      },
    ],
    [
      'another time',
      (bundle) => {
        bundle.verificationMaterial.tlogEntries[0].integratedTime = '1700000000';
      },
    ],
    [
      'a time that the log did not promise',
      (bundle) => {
        delete bundle.verificationMaterial.tlogEntries[0].inclusionPromise;
      },
    ],
    [
      'a log that is another',
      (bundle) => {
        bundle.verificationMaterial.tlogEntries[0].logId.keyId = 'AAAA';
      },
    ],
    [
      'another body in the log',
      (bundle) => {
        bundle.verificationMaterial.tlogEntries[0].canonicalizedBody = Buffer.from('{}').toString('base64');
      },
    ],
    [
      'a checkpoint whose name is an expression',
      (bundle) => {
        const { checkpoint } = bundle.verificationMaterial.tlogEntries[0].inclusionProof;
        checkpoint.envelope = checkpoint.envelope.replace('\u2014 log.test', '\u2014 (.*)*');
      },
    ],
    [
      'no certificate',
      (bundle) => {
        delete bundle.verificationMaterial.certificate;
      },
    ],
    [
      'nothing',
      (bundle) => {
        delete bundle.verificationMaterial;
      },
    ],
  ];
  test.each(spoilt)('with %s', async (_, spoil) => {
    const bundle = await sigstore.signStatement(statement, who);
    spoil(bundle);
    expect(await trusts(bundle)).toBe(false);
  });

  test('signed when its certificate was not valid, and by the authority of another Sigstore', async () => {
    expect(await trusts(await sigstore.signStatement(statement, who, Date.now() + 10 * 60_000))).toBe(false);
    const other = await createSigstore();
    expect(await trusts(await other.signStatement(statement, who))).toBe(false);
  });

  test.each(['', '{', '{}', '{"certificateAuthorities":[{"certChain":{"certificates":[{"rawBytes":"AAAA"}]}}]}'])(
    'under the trust root %j, which is none',
    async (trustedRoot) => {
      const bundle = await sigstore.signStatement(statement, who);
      await expect(trusts(bundle, [], trustedRoot)).rejects.toMatchObject({ code: 'SIGNATURE_TRUST_INVALID' });
    },
  );
});

describe('an OCIRepository', () => {
  const temp = makeTempDir();
  const http = createHttpClient();
  const client = createRegistry({ http });
  let registry: HttpListener;
  let h: SourceHarness;
  let digest: string;
  let number = 0;

  beforeAll(async () => {
    registry = await startPlainRegistry({ dataDir: join(temp.dir, 'registry') });
  });
  afterAll(async () => {
    await http.close({ force: true });
    await registry?.close();
    temp.remove();
  });
  const target = () => ({ host: `127.0.0.1:${registry.port}`, name: `app${number}` });
  const blob = (data: string | Buffer, mediaType: string) =>
    pushBlob(client, target(), { data: Buffer.from(data), mediaType }, { signal });
  const manifest = async (tag: string | undefined, layers: unknown[], more = {}) => {
    const config = await blob('{}', 'application/vnd.oci.empty.v1+json');
    const mediaType = mediaTypes.ociManifest;
    const raw = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers, ...more }));
    const reference = tag ?? `sha256:${createHash('sha256').update(raw).digest('hex')}`;
    return { digest: await pushManifest(client, target(), reference, { raw, mediaType, signal }), size: raw.length };
  };
  beforeEach(async () => {
    h = await createOciHarness(join(temp.dir, `h${++number}`));
    const layer = await blob(`content ${number}`, 'application/x');
    ({ digest } = await manifest('latest', [layer]));
    await h.cluster.put(secretOf('root', { 'trusted_root.json': sigstore.trustedRoot }));
    const verify = {
      provider: 'cosign',
      trustedRootSecretRef: { name: 'root' },
      matchOIDCIdentity: [{ issuer: '^https://token.actions', subject: '^https://github.com/org/' }],
    };
    await h.put({ url: `oci://${target().host}/${target().name}`, layerSelector: { operation: 'copy' }, verify });
  });

  const attach = async (statement: Record<string, unknown>, identity = who) => {
    const bundle = await sigstore.signStatement(JSON.stringify(statement), identity);
    const layer = await blob(JSON.stringify(bundle), bundleType);
    const subject = { mediaType: mediaTypes.ociManifest, digest, size: 1 };
    return manifest(undefined, [layer], { artifactType: bundleType, subject });
  };
  const about = (hex: string, type = predicateType) => ({
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: type,
    subject: [{ digest: { sha256: hex } }],
  });
  const hex = () => digest.slice('sha256:'.length);

  test('signed by cosign 3: found among the referrers', async () => {
    await attach(about(hex()));
    await h.reconcile();
    expect(h.condition('SourceVerified')).toMatchObject({
      status: 'True',
      reason: 'Succeeded',
      message: `verified signature of revision latest@${digest}`,
    });
    expect(h.artifact().revision).toBe(`latest@${digest}`);
  });

  test('signed by cosign 2: the tag beside it', async () => {
    const payload = Buffer.from(JSON.stringify({ critical: { image: { 'docker-manifest-digest': digest } } }));
    const { signature, annotations } = await sigstore.signSimple(payload, who);
    const layer = await blob(payload, 'application/vnd.dev.cosign.simplesigning.v1+json');
    const all = { 'dev.cosignproject.cosign/signature': signature, ...annotations };
    await manifest(`${digest.replace(':', '-')}.sig`, [{ ...layer, annotations: all }]);
    await h.reconcile();
    expect(h.condition('SourceVerified')).toMatchObject({ status: 'True' });
  });

  test.each([
    ['nobody', async () => {}],
    ['somebody else', () => attach(about(hex()), { ...who, subject: 'https://github.com/evil/app' })],
    ['the right one, but for another artifact', () => attach(about('0'.repeat(64)))],
    ['the right one, who only tells of an SBOM', () => attach(about(hex(), 'https://spdx.dev/Document'))],
  ])('signed by %s', async (_, prepare) => {
    await prepare();
    expect(await h.reconcile()).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(h.condition('Ready')).toMatchObject({
      status: 'False',
      reason: 'VerificationError',
      message: `failed to verify the signature using provider 'cosign keyless': no matching signatures were found for '${target().host}/${target().name}@${digest}'`,
    });
    expect(h.artifact()).toBeUndefined();
  });

  test('without a trust root, with a Secret that is missing or lacks it', async () => {
    await attach(about(hex()));
    await h.cluster.put(secretOf('root', {}));
    await h.reconcile();
    expect(h.condition('Ready')?.message).toMatch(
      /^failed to verify .*no key 'trusted_root.json' found in secret 'team-/,
    );
    await h.edit({ verify: { provider: 'cosign', trustedRootSecretRef: { name: 'nope' } } });
    await h.reconcile();
    expect(h.condition('Ready')?.message).toMatch(/secrets "nope" not found/);
    await h.edit({ verify: { provider: 'cosign' } });
    expect(await h.reconcile()).toEqual({});
    expect(h.condition('Stalled')).toMatchObject({
      reason: 'VerificationError',
      message: expect.stringMatching(/without a trust root/),
    });
    await h.edit({ verify: { provider: 'notation', secretRef: { name: 'x' } } });
    expect(await h.reconcile()).toEqual({});
    expect(h.condition('Stalled')?.message).toMatch(/'notation' cannot be verified/);
  });
});
