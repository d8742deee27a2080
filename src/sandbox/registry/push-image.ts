import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { withDeadline } from '../../base/deadline.ts';
import { MillraceError } from '../../base/error.ts';
import { mediaTypes } from './manifest.ts';
import { tarOf } from './tar.ts';

export interface PushTarget {
  /** `http://host:port` of a registry. */
  endpoint: string;
  username: string;
  password: string;
}

export interface SmallImage {
  repository: string;
  tag: string;
  /** When the image was built, milliseconds since the epoch. The same image built twice at one time is the same bytes. */
  createdAt: number;
}

const timeoutMs = 30_000;

/**
 * Builds an image of one small layer (a file that says its name and tag) and pushes it over the registry protocol, as docker
 * would. Returns the digest of its manifest. Throws IMAGE_PUSH_FAILED with the registry's words.
 */
export async function pushSmallImage(image: SmallImage, target: PushTarget, signal: AbortSignal): Promise<string> {
  const { repository, tag } = image;
  return withDeadline(signal, timeoutMs, `Push of ${repository}:${tag}`, async (deadline) => {
    const { config, layer, manifest } = buildImage(image);
    await pushBlob(repository, layer, target, deadline);
    await pushBlob(repository, config, target, deadline);
    await call(target, deadline, `${repository}:${tag}`, {
      method: 'PUT',
      path: `/v2/${repository}/manifests/${tag}`,
      headers: { 'content-type': mediaTypes.ociManifest },
      body: manifest,
    });
    return digestOf(manifest);
  });
}

function buildImage({ repository, tag, createdAt }: SmallImage) {
  const created = new Date(createdAt).toISOString();
  const tar = tarOf({ 'etc/image': `${repository}:${tag}\n` });
  const layer = gzipSync(tar, { level: 9 });
  const config = Buffer.from(
    JSON.stringify({
      created,
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: { 'org.opencontainers.image.version': tag } },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
      history: [{ created, created_by: 'millrace push' }],
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
      layers: [
        { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(layer), size: layer.length },
      ],
      annotations: { 'org.opencontainers.image.created': created, 'org.opencontainers.image.version': tag },
    }),
  );
  return { config, layer, manifest };
}

async function pushBlob(repository: string, blob: Buffer, target: PushTarget, signal: AbortSignal): Promise<void> {
  const { headers } = await call(target, signal, repository, {
    method: 'POST',
    path: `/v2/${repository}/blobs/uploads/`,
  });
  const location = new URL(String(headers['location']), target.endpoint);
  location.searchParams.set('digest', digestOf(blob));
  await call(target, signal, repository, {
    method: 'PUT',
    path: `${location.pathname}${location.search}`,
    headers: { 'content-type': 'application/octet-stream' },
    body: blob,
  });
}

interface Call {
  method: 'POST' | 'PUT';
  path: string;
  headers?: Record<string, string>;
  body?: Buffer;
}

async function call(target: PushTarget, signal: AbortSignal, what: string, { method, path, headers, body }: Call) {
  const authorization = `Basic ${Buffer.from(`${target.username}:${target.password}`).toString('base64')}`;
  const answer = await request(`${target.endpoint}${path}`, {
    method,
    headers: { ...headers, authorization },
    body: body ?? null,
    signal,
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) {
    throw new MillraceError(
      'IMAGE_PUSH_FAILED',
      `The registry refused the push of ${what}: ${answer.statusCode} ${text.trim()}`,
      {
        retry: 'never',
        hint: 'The registry says why. A repository must exist, and the login needs the push actions of ECR on it.',
      },
    );
  }
  return answer;
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
