import { createHash } from 'node:crypto';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { HttpResponse } from '../http/http-client.ts';
import { isHttpStatus } from '../http/http-status.ts';
import { formatReference, isDigest, type Repository } from './reference.ts';
import { type Registry, sendToRegistry } from './registry.ts';

export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

const accepted = Object.values(mediaTypes).join(', ');
export const maxManifestBytes = 8 * 1024 * 1024;

/** A content descriptor of the OCI image specification. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
  platform?: { os?: string; architecture?: string; variant?: string };
  artifactType?: string;
}

export interface Manifest {
  mediaType: string;
  digest: string;
  /** The bytes that the digest is of. */
  raw: Buffer;
  config?: Descriptor;
  layers: Descriptor[];
  /** Of an index. */
  manifests: Descriptor[];
  annotations: Record<string, string>;
  artifactType?: string;
  subject?: Descriptor;
}

/**
 * Digest of what a tag (or digest) names, without its content: HEAD, and GET where the registry does not answer HEAD or
 * gives no digest. For a multi-platform image it is the index's. Throws OCI_NOT_FOUND.
 */
export async function resolveDigest(
  registry: Registry,
  repository: Repository,
  reference: string,
  { signal }: { signal: AbortSignal },
): Promise<string> {
  const path = `manifests/${reference}`;
  try {
    const response = await sendToRegistry(registry, repository, {
      method: 'HEAD',
      path,
      signal,
      headers: { accept: accepted },
    });
    await response.discard();
    const digest = response.headers['docker-content-digest'];
    if (digest !== undefined && isDigest(digest)) return digest;
  } catch (error) {
    if (!isHttpStatus(error, 400, 401, 403, 404, 405, 406, 501)) throw error;
  }
  return (await getManifest(registry, repository, reference, { signal })).digest;
}

/** A manifest or index with its bytes, checked against the digest where one is asked for or the registry names one. */
export async function getManifest(
  registry: Registry,
  repository: Repository,
  reference: string,
  { signal }: { signal: AbortSignal },
): Promise<Manifest> {
  const path = `manifests/${reference}`;
  const response = await sendToRegistry(registry, repository, {
    method: 'GET',
    path,
    signal,
    headers: { accept: accepted },
  });
  const raw = await response.bytes(maxManifestBytes);
  const what = formatReference(repository, reference);
  const digest = checkDigest(raw, isDigest(reference) ? reference : response.headers['docker-content-digest'], what);
  return parseManifest(raw, digest, response, what);
}

/** `algorithm:hex` of `data`; throws OCI_DIGEST_MISMATCH where `wanted` is given and is another. */
export function checkDigest(data: Uint8Array, wanted: string | undefined, what: string): string {
  const algorithm = wanted?.split(':', 1)[0] ?? 'sha256';
  if (algorithm !== 'sha256' && algorithm !== 'sha384' && algorithm !== 'sha512')
    throw mismatch(what, `algorithm ${algorithm}`);
  const digest = `${algorithm}:${createHash(algorithm).update(data).digest('hex')}`;
  if (wanted !== undefined && wanted !== digest) throw mismatch(what, `got ${digest}, expected ${wanted}`);
  return digest;
}

function mismatch(what: string, detail: string): MillraceError {
  return new MillraceError('OCI_DIGEST_MISMATCH', `${what}: the content is not what its digest says: ${detail}`);
}

/** A manifest or index from its bytes. Throws OCI_MANIFEST_INVALID. */
export function parseManifest(raw: Buffer, digest: string, response: HttpResponse, what: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw.toString('utf8'));
  } catch (cause) {
    throw invalid(what, 'it is not JSON', cause);
  }
  if (!isRecord(parsed)) throw invalid(what, 'it is not an object');
  const declared = typeof parsed['mediaType'] === 'string' ? parsed['mediaType'] : undefined;
  const header = response.headers['content-type']?.split(';', 1)[0]?.trim();
  const mediaType = declared ?? (header === 'application/json' ? undefined : header) ?? mediaTypes.ociManifest;
  const artifactType = parsed['artifactType'];
  return {
    mediaType,
    digest,
    raw,
    layers: descriptors(parsed['layers'], what),
    manifests: descriptors(parsed['manifests'], what),
    annotations: stringMap(parsed['annotations']),
    ...(isRecord(parsed['config']) ? { config: descriptor(parsed['config'], what) } : {}),
    ...(isRecord(parsed['subject']) ? { subject: descriptor(parsed['subject'], what) } : {}),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
  };
}

function descriptors(value: unknown, what: string): Descriptor[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(what, 'layers or manifests are not a list');
  return value.map((item) => descriptor(item, what));
}

function descriptor(value: unknown, what: string): Descriptor {
  if (!isRecord(value) || typeof value['digest'] !== 'string' || !isDigest(value['digest'])) {
    throw invalid(what, 'a descriptor has no digest');
  }
  const { mediaType, digest, size, platform, artifactType } = value;
  return {
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    digest,
    size: typeof size === 'number' ? size : 0,
    ...(isRecord(value['annotations']) ? { annotations: stringMap(value['annotations']) } : {}),
    ...(isRecord(platform) ? { platform: platform as NonNullable<Descriptor['platform']> } : {}),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
  };
}

function stringMap(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function invalid(what: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError('OCI_MANIFEST_INVALID', `${what}: the manifest cannot be read: ${why}`, { cause });
}
