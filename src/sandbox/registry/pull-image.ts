import { createHash } from 'node:crypto';
import { request } from 'undici';
import { withDeadline } from '../../base/deadline.ts';
import { isRecord } from '../../base/json.ts';
import { parseImageReference } from '../image-reference.ts';
import { mediaTypes } from './manifest.ts';

/** Why an image cannot be pulled, as a kubelet reports it in a container's waiting state. */
export class PullFault extends Error {
  override readonly name = 'PullFault';
  readonly reason: 'ErrImagePull' | 'InvalidImageName';

  constructor(reason: 'ErrImagePull' | 'InvalidImageName', message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface ImagePullerOptions {
  /** The host that images of this registry are named after. */
  host: string;
  /** Where that registry really listens. */
  endpoint: string;
  /** A login of the node. */
  password: () => string;
}

/** Pulls an image and says which one it was. Throws PullFault. */
export type PullImage = (image: string, signal: AbortSignal) => Promise<{ digest: string }>;

const timeoutMs = 30_000;

/**
 * Pulls as a node's container runtime does: resolves the name with the node's login, reads the manifest and sees that the
 * layers are there. The sandbox reaches no other registry, so images of other hosts count as present, with a made-up digest.
 */
export function createImagePuller({ host, endpoint, password }: ImagePullerOptions): PullImage {
  return async (image, signal) => {
    if (image === '' || /\s|[A-Z].*\//.test(image)) {
      throw new PullFault(
        'InvalidImageName',
        `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`,
      );
    }
    const reference = parseImageReference(image);
    if (reference?.host !== host) return { digest: `sha256:${createHash('sha256').update(image).digest('hex')}` };
    const authorization = `Basic ${Buffer.from(`AWS:${password()}`).toString('base64')}`;
    const get = async (path: string, deadline: AbortSignal) => {
      const { statusCode, headers, body } = await request(`${endpoint}/v2/${reference.repository}/${path}`, {
        headers: { authorization, accept: Object.values(mediaTypes).join(', ') },
        signal: deadline,
      });
      const text = await body.text();
      if (statusCode !== 200) throw pullFault(image, host, statusCode, path);
      return { text, digest: String(headers['docker-content-digest'] ?? '') };
    };
    return withDeadline(signal, timeoutMs, `Pull of ${image}`, async (deadline) => {
      const { text, digest } = await get(`manifests/${reference.reference}`, deadline);
      const manifest = childManifest(text);
      const image = manifest === undefined ? text : (await get(`manifests/${manifest}`, deadline)).text;
      for (const blob of blobsOf(image)) await get(`blobs/${blob}`, deadline);
      return { digest };
    });
  };
}

/** The first manifest that an index names; undefined for an image's own manifest. */
function childManifest(manifest: string): string | undefined {
  const value: unknown = JSON.parse(manifest);
  return isRecord(value) && Array.isArray(value['manifests']) ? digestOf(value['manifests'][0]) : undefined;
}

/** Digests of config and layers. */
function blobsOf(manifest: string): string[] {
  const value: unknown = JSON.parse(manifest);
  if (!isRecord(value)) return [];
  const layers: unknown[] = Array.isArray(value['layers']) ? value['layers'] : [];
  return [value['config'], ...layers].map(digestOf);
}

function digestOf(descriptor: unknown): string {
  return isRecord(descriptor) ? String(descriptor['digest']) : '';
}

/** The sentences of containerd, which people search for. */
function pullFault(image: string, host: string, status: number, path: string): PullFault {
  const failed = `failed to pull and unpack image "${image}": failed to resolve reference "${image}"`;
  const prefix = 'rpc error: code =';
  if (status === 404) return new PullFault('ErrImagePull', `${prefix} NotFound desc = ${failed}: ${image}: not found`);
  if (status === 401) {
    const denied = 'pull access denied, repository does not exist or may require authorization';
    const why = 'authorization failed: no basic auth credentials';
    return new PullFault('ErrImagePull', `${prefix} Unknown desc = ${failed}: ${denied}: ${why}`);
  }
  const repository = parseImageReference(image)?.repository ?? '';
  const url = `https://${host}/v2/${repository}/${path}`;
  const answer = status === 403 ? '403 Forbidden' : String(status);
  return new PullFault(
    'ErrImagePull',
    `${prefix} Unknown desc = ${failed}: unexpected status from HEAD request to ${url}: ${answer}`,
  );
}
