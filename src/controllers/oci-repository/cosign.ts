import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { isMillraceError } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import { readBlob } from '../../oci/blobs.ts';
import { type Descriptor, getManifest, type Manifest } from '../../oci/manifest.ts';
import type { OpenRegistry } from '../image/registry-access.ts';

const signatureAnnotation = 'dev.cosignproject.cosign/signature';
const bundleMediaType = /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.\d+)?\+json/;
const maxPayloadBytes = 4 * 1024 * 1024;

/**
 * Whether one of the keys signed the artifact, by cosign: the `sha256-….sig` tag of version 2 (a signature over a payload
 * that names the digest), or a Sigstore bundle attached to it, of version 3.
 */
export async function isSignedByKey(
  open: OpenRegistry,
  digest: string,
  publicKeys: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const keys = publicKeys.map((pem) => createPublicKey(pem));
  const tag = digest.replace(':', '-');
  const signatures = await findManifest(open, `${tag}.sig`, signal);
  for (const layer of signatures?.layers ?? []) {
    const signature = layer.annotations?.[signatureAnnotation];
    if (signature === undefined) continue;
    const payload = await readSmallBlob(open, layer, signal);
    if (namesDigest(payload, digest) && keys.some((key) => isSignature(key, payload, signature))) return true;
  }
  for (const bundle of await findBundles(open, tag, signal)) {
    if (isBundleSigned(bundle, digest, keys)) return true;
  }
  return false;
}

/** Bundles that refer to the artifact: listed in the index under `sha256-…`, where registries without referrers have them. */
async function findBundles(open: OpenRegistry, tag: string, signal: AbortSignal): Promise<unknown[]> {
  const index = await findManifest(open, tag, signal);
  const bundles: unknown[] = [];
  for (const entry of index?.manifests ?? []) {
    if (entry.artifactType !== undefined && !bundleMediaType.test(entry.artifactType)) continue;
    const manifest = await findManifest(open, entry.digest, signal);
    for (const layer of manifest?.layers ?? []) {
      if (!bundleMediaType.test(layer.mediaType)) continue;
      bundles.push(parseJson((await readSmallBlob(open, layer, signal)).toString('utf8')));
    }
  }
  return bundles;
}

/** DSSE: the signature is over the type and the body, each with its length; the body is an in-toto statement. */
function isBundleSigned(bundle: unknown, digest: string, keys: readonly KeyObject[]): boolean {
  const envelope = isRecord(bundle) ? bundle['dsseEnvelope'] : undefined;
  if (!isRecord(envelope)) return false;
  const { payload, payloadType, signatures } = envelope;
  if (typeof payload !== 'string' || typeof payloadType !== 'string' || !Array.isArray(signatures)) return false;
  const body = Buffer.from(payload, 'base64');
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.length} `),
    body,
  ]);
  const statement = parseJson(body.toString('utf8'));
  const subjects = isRecord(statement) && Array.isArray(statement['subject']) ? statement['subject'] : [];
  const [algorithm = '', hex] = digest.split(':');
  const isAboutIt = subjects.some(
    (subject) => isRecord(subject) && isRecord(subject['digest']) && subject['digest'][algorithm] === hex,
  );
  if (!isAboutIt) return false;
  return signatures.some(
    (entry) =>
      isRecord(entry) &&
      typeof entry['sig'] === 'string' &&
      keys.some((key) => isSignature(key, signed, entry['sig'] as string)),
  );
}

function namesDigest(payload: Buffer, digest: string): boolean {
  const parsed = parseJson(payload.toString('utf8'));
  const critical = isRecord(parsed) ? parsed['critical'] : undefined;
  const image = isRecord(critical) ? critical['image'] : undefined;
  return isRecord(image) && image['docker-manifest-digest'] === digest;
}

function isSignature(key: KeyObject, data: Buffer, signature: string): boolean {
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : ecdsaHash(key);
  try {
    return verify(algorithm, data, key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

function ecdsaHash(key: KeyObject): string {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  return curve === 'secp384r1' ? 'sha384' : curve === 'secp521r1' ? 'sha512' : 'sha256';
}

async function findManifest(
  { registry, repository }: OpenRegistry,
  reference: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  try {
    return await getManifest(registry, repository, reference, { signal });
  } catch (error) {
    if (isMillraceError(error, 'OCI_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function readSmallBlob(
  { registry, repository }: OpenRegistry,
  layer: Descriptor,
  signal: AbortSignal,
): Promise<Buffer> {
  if (layer.size > maxPayloadBytes) throw new Error(`a signature of ${layer.size} bytes`);
  const parts: Buffer[] = [];
  for await (const part of readBlob(registry, repository, layer, { signal })) parts.push(part);
  return Buffer.concat(parts);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
