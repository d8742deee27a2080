import { createHash } from 'node:crypto';
import { MillraceError } from '../base/error.ts';
import type { Descriptor } from './manifest.ts';
import { formatReference, type Repository } from './reference.ts';
import { foreignTarget, type Registry, registryUrl, sendToRegistry } from './registry.ts';

/**
 * The bytes of a blob, in pieces, checked against its digest at the end: OCI_DIGEST_MISMATCH where they differ, are fewer
 * or more than the descriptor says. What was read before the error must be thrown away.
 */
export async function* readBlob(
  registry: Registry,
  repository: Repository,
  { digest, size }: Descriptor,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const what = formatReference(repository, digest);
  const algorithm = digest.split(':', 1)[0] ?? '';
  if (!/^sha(256|384|512)$/.test(algorithm)) throw mismatch(what, `algorithm ${algorithm} is not supported`);
  const hash = createHash(algorithm);
  const response = await sendToRegistry(registry, repository, { method: 'GET', path: `blobs/${digest}`, signal });
  let received = 0;
  for await (const part of response.body as AsyncIterable<Buffer>) {
    received += part.length;
    if (received > size) {
      response.body.destroy();
      throw mismatch(what, `more than ${size} bytes`);
    }
    hash.update(part);
    yield part;
  }
  if (received !== size) throw mismatch(what, `${received} of ${size} bytes`);
  const got = `${algorithm}:${hash.digest('hex')}`;
  if (got !== digest) throw mismatch(what, `got ${got}`);
}

/** Uploads a blob in one piece unless the repository has it already; returns its descriptor. */
export async function pushBlob(
  registry: Registry,
  repository: Repository,
  blob: { data: Buffer; mediaType: string },
  { signal }: { signal: AbortSignal },
): Promise<Descriptor> {
  const { data, mediaType } = blob;
  const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`;
  const descriptor: Descriptor = { mediaType, digest, size: data.length };
  const send = { actions: 'pull,push', signal } as const;
  const head = await sendToRegistry(registry, repository, {
    ...send,
    method: 'HEAD',
    path: `blobs/${digest}`,
    accept: [200, 404],
  });
  await head.discard();
  if (head.status === 200) return descriptor;
  const started = await sendToRegistry(registry, repository, {
    ...send,
    method: 'POST',
    path: 'blobs/uploads/',
    accept: [202],
  });
  await started.discard();
  const target = await uploadTarget(registry, repository, started.headers['location'], started.url, signal);
  target.searchParams.set('digest', digest);
  const done = await sendToRegistry(registry, repository, {
    ...send,
    method: 'PUT',
    path: target.href,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(data.length) },
    body: data,
    accept: [201],
    timeoutMs: 300_000,
  });
  await done.discard();
  return descriptor;
}

/** Uploads a manifest under a tag or its digest and returns the digest. */
export async function pushManifest(
  registry: Registry,
  repository: Repository,
  reference: string,
  { raw, mediaType, signal }: { raw: Buffer; mediaType: string; signal: AbortSignal },
): Promise<string> {
  const response = await sendToRegistry(registry, repository, {
    method: 'PUT',
    path: `manifests/${reference}`,
    actions: 'pull,push',
    headers: { 'content-type': mediaType },
    body: raw,
    accept: [201, 200, 202],
    signal,
  });
  await response.discard();
  return `sha256:${createHash('sha256').update(raw).digest('hex')}`;
}

/** Credentials go to the upload's address: it must be the registry's own. */
async function uploadTarget(
  registry: Registry,
  repository: Repository,
  location: string | undefined,
  current: string,
  signal: AbortSignal,
): Promise<URL> {
  const base = new URL(await registryUrl(registry, repository, signal));
  if (location === undefined)
    throw new MillraceError('OCI_STATUS', `POST ${current}: the answer names no upload location`);
  const target = new URL(location, current);
  if (target.host !== base.host) throw foreignTarget(`upload location ${target.origin} is not on the registry`);
  // Registries behind a proxy that ends TLS name themselves by http.
  target.protocol = base.protocol;
  return target;
}

function mismatch(what: string, detail: string): MillraceError {
  return new MillraceError('OCI_DIGEST_MISMATCH', `${what}: the content is not what its digest says: ${detail}`);
}
