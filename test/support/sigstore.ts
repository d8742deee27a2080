import 'reflect-metadata';
import { createHash, generateKeyPairSync, type KeyObject, sign, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A Sigstore of a test's own: an authority for short-lived certificates, and a log that promises to hold entries. */
export interface TestSigstore {
  /** The text of its `trusted_root.json`. */
  trustedRoot: string;
  /** Signs a payload as an identity, at a time (milliseconds) at which the certificate need not be valid. */
  signSimple(
    payload: Buffer,
    identity: Identity,
    time?: number,
  ): Promise<{ signature: string; annotations: Record<string, string> }>;
  /** Signs a statement and returns the bundle, version 0.3. */
  signStatement(statement: string, identity: Identity, time?: number): Promise<TestBundle>;
}

export interface Identity {
  issuer: string;
  /** A URL. */
  subject: string;
}

// biome-ignore lint/suspicious/noExplicitAny: tests take bundles apart to spoil them.
export type TestBundle = any;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const logName = 'log.test';
const issuerV1 = '1.3.6.1.4.1.57264.1.1';
const minuteMs = 60_000;

/** Formats: Sigstore's protobuf specifications, Rekor's entry types, RFC 6962 for the tree. */
export async function createSigstore(): Promise<TestSigstore> {
  x509.cryptoProvider.set(webcrypto as never);
  const caKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=sigstore test',
    notBefore: new Date(Date.now() - 60 * minuteMs),
    notAfter: new Date(Date.now() + 60 * minuteMs),
    signingAlgorithm: algorithm,
    keys: caKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const log = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const logKey = log.publicKey.export({ type: 'spki', format: 'der' });
  const logId = createHash('sha256').update(logKey).digest();
  const validFor = { start: new Date(Date.now() - 120 * minuteMs).toISOString() };

  const issue = async ({ issuer, subject }: Identity) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const der = publicKey.export({ type: 'spki', format: 'der' });
    const imported = await webcrypto.subtle.importKey('spki', der, algorithm, true, ['verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: '02',
      issuer: ca.subject,
      notBefore: new Date(Date.now() - 5 * minuteMs),
      notAfter: new Date(Date.now() + 5 * minuteMs),
      signingAlgorithm: algorithm,
      publicKey: imported,
      signingKey: caKeys.privateKey,
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.3']),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: subject }], true),
        await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
        new x509.Extension(issuerV1, false, Buffer.from(issuer)),
      ],
    });
    return { key: privateKey, certificate };
  };

  /** An entry of the log: its promise, and the proof for a tree that holds nothing else. */
  const write = (body: unknown, time: number) => {
    const text = Buffer.from(JSON.stringify(body));
    const integratedTime = Math.floor(time / 1000);
    const promised = { body: text.toString('base64'), integratedTime, logID: logId.toString('hex'), logIndex: 0 };
    const root = createHash('sha256')
      .update(Buffer.concat([Buffer.from([0]), text]))
      .digest('base64');
    const note = `${logName}\n1\n${root}\n`;
    const noteSignature = Buffer.concat([logId.subarray(0, 4), makeSignature(note, log.privateKey)]).toString('base64');
    return {
      promised,
      promise: makeSignature(JSON.stringify(promised), log.privateKey).toString('base64'),
      proof: {
        logIndex: '0',
        rootHash: root,
        treeSize: '1',
        hashes: [],
        checkpoint: { envelope: `${note}\n\u2014 ${logName} ${noteSignature}\n` },
      },
    };
  };

  return {
    trustedRoot: JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      certificateAuthorities: [
        { uri: 'https://ca.test', certChain: { certificates: [{ rawBytes: base64(ca.rawData) }] }, validFor },
      ],
      tlogs: [
        {
          baseUrl: `https://${logName}`,
          hashAlgorithm: 'SHA2_256',
          publicKey: { rawBytes: base64(logKey), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
          logId: { keyId: base64(logId) },
        },
      ],
    }),
    async signSimple(payload, identity, time = Date.now()) {
      const { key, certificate } = await issue(identity);
      const signature = makeSignature(payload, key).toString('base64');
      const pem = certificate.toString('pem');
      const hash = { algorithm: 'sha256', value: createHash('sha256').update(payload).digest('hex') };
      const spec = {
        data: { hash },
        signature: { content: signature, publicKey: { content: base64(Buffer.from(pem)) } },
      };
      const { promised, promise } = write({ apiVersion: '0.0.1', kind: 'hashedrekord', spec }, time);
      const annotations = {
        'dev.sigstore.cosign/certificate': pem,
        'dev.sigstore.cosign/bundle': JSON.stringify({ SignedEntryTimestamp: promise, Payload: promised }),
      };
      return { signature, annotations };
    },
    async signStatement(statement, identity, time = Date.now()) {
      const { key, certificate } = await issue(identity);
      const payloadType = 'application/vnd.in-toto+json';
      const signed = `DSSEv1 ${payloadType.length} ${payloadType} ${Buffer.byteLength(statement)} ${statement}`;
      const sig = makeSignature(signed, key).toString('base64');
      const payloadHash = { algorithm: 'sha256', value: createHash('sha256').update(statement).digest('hex') };
      const spec = { payloadHash, signatures: [{ signature: sig, verifier: '' }] };
      const { promised, promise, proof } = write({ apiVersion: '0.0.1', kind: 'dsse', spec }, time);
      return {
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: {
          certificate: { rawBytes: base64(certificate.rawData) },
          tlogEntries: [
            {
              logIndex: '0',
              logId: { keyId: base64(logId) },
              kindVersion: { kind: 'dsse', version: '0.0.1' },
              integratedTime: String(promised.integratedTime),
              inclusionPromise: { signedEntryTimestamp: promise },
              inclusionProof: proof,
              canonicalizedBody: promised.body,
            },
          ],
        },
        dsseEnvelope: { payload: base64(Buffer.from(statement)), payloadType, signatures: [{ sig }] },
      };
    },
  };
}

function makeSignature(data: string | Buffer, key: KeyObject): Buffer {
  return sign('sha256', Buffer.from(data), key);
}

function base64(data: ArrayBuffer | Buffer): string {
  return Buffer.from(data as ArrayBuffer).toString('base64');
}
