import type { Clock } from '../../base/clock.ts';
import { RegistryFault } from './fault.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import type { ImageRecord } from './repository-content.ts';
import type { RepositoryStore } from './repository-store.ts';

export interface PutImage {
  repository: string;
  content: Buffer;
  mediaType: string | undefined;
  /** Tag to give the image, or the digest it must have. */
  reference: string | undefined;
}

export const tagPattern = /^\w[\w.-]{0,127}$/;

/**
 * Stores a manifest whose parts are all there, tags it and announces the push. Both faces of the registry end here. Throws
 * MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN, DIGEST_INVALID or TAG_INVALID.
 */
export async function putImage(
  { repository, content, mediaType, reference }: PutImage,
  { repositories, clock }: { repositories: RepositoryStore; clock: Clock },
): Promise<ImageRecord> {
  const manifest = parseManifest(content, mediaType);
  const images = repositories.content(repository);
  requireParts(manifest, repositories, repository);
  const tag = reference === undefined || reference.includes(':') ? undefined : reference;
  if (tag !== undefined && !tagPattern.test(tag)) throw new RegistryFault(400, 'TAG_INVALID', `${tag} is not a tag`);

  const digest = await repositories.blobs.put(content);
  if (reference?.includes(':') && reference !== digest) {
    throw new RegistryFault(400, 'DIGEST_INVALID', `The manifest has digest ${digest}, not ${reference}`);
  }
  const tagged = tag === undefined ? undefined : images.find(tag);
  if (tagged !== undefined && tagged.digest !== digest && repositories.get(repository)?.tagMutability === 'IMMUTABLE') {
    throw new RegistryFault(
      400,
      'TAG_INVALID',
      `The image tag '${tag}' already exists in the '${repository}' repository and cannot be overwritten because the tag is immutable.`,
    );
  }

  const known = images.find(digest);
  const blobs = manifest.blobs.map((blob) => blob.digest);
  const image: ImageRecord = {
    digest,
    blobs,
    mediaType: manifest.mediaType,
    sizeBytes: content.length + manifest.blobs.reduce((sum, blob) => sum + blob.size, 0),
    pushedAt: known?.pushedAt ?? clock.now(),
    ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
    ...(manifest.subject === undefined ? {} : { subject: manifest.subject, annotations: manifest.annotations }),
  };
  images.putImage(image, tag);
  repositories.announce({
    action: 'PUSH',
    repository,
    digest,
    tag,
    mediaType: image.mediaType,
    artifactType: manifest.artifactType,
  });
  return image;
}

function requireParts(manifest: Manifest, repositories: RepositoryStore, repository: string): void {
  const content = repositories.content(repository);
  const missing = [
    ...manifest.blobs.filter(({ digest }) => !content.hasBlob(digest)),
    ...manifest.manifests.filter(({ digest }) => content.find(digest) === undefined),
  ];
  if (missing.length === 0) return;
  const list = missing.map(({ digest }) => digest).join(', ');
  throw new RegistryFault(
    404,
    'MANIFEST_BLOB_UNKNOWN',
    `Layers with digests '${list}' required for pushing image do not exist`,
  );
}
