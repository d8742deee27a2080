import { createHash } from 'node:crypto';
import type { Bucket } from '../../api/bucket.ts';
import { MillraceError } from '../../base/error.ts';
import { compareBytes } from '../../base/text.ts';
import { compileBucketRules, type IgnoreRules, ignoreFileName } from '../source/ignore-rules.ts';
import type { S3Client } from './s3-client.ts';
import type { S3Object } from './s3-listing.ts';

/** What of a bucket belongs into the artifact. */
export interface BucketIndex {
  objects: S3Object[];
  /** The root's `.sourceignore`: in the artifact, but not in the revision. */
  ignoreFile: Buffer | undefined;
}

const maxObjects = 1_000_000;
const maxIgnoreBytes = 1024 * 1024;

/** Lists a bucket and leaves out what `.sourceignore` of its root and `spec.ignore` exclude (spec/source.md §6). */
export async function indexBucket({ spec }: Bucket, s3: S3Client, signal: AbortSignal): Promise<BucketIndex> {
  const found = await s3.get(ignoreFileName, { signal });
  const ignoreFile = await found?.bytes(maxIgnoreBytes);
  const isIgnored: IgnoreRules = compileBucketRules(ignoreFile?.toString('utf8') ?? '', spec.ignore);
  const objects: S3Object[] = [];
  for await (const object of s3.list(spec.prefix ?? '', signal)) {
    if (object.key.endsWith('/') || object.key === ignoreFileName || isIgnored(object.key, false)) continue;
    if (objects.push(object) > maxObjects) {
      throw new MillraceError('ARCHIVE_TOO_LARGE', `the bucket has more than ${maxObjects} objects`);
    }
  }
  return { objects, ignoreFile };
}

/** `sha256:…` over the sorted lines of key and etag. */
export function revisionOf(objects: readonly S3Object[]): string {
  const hash = createHash('sha256');
  const sorted = [...objects].sort((a, b) => compareBytes(a.key, b.key));
  for (const { key, etag } of sorted) hash.update(`${key} ${etag}\n`);
  return `sha256:${hash.digest('hex')}`;
}

/** Where an object's file is in the artifact. Throws BUCKET_KEY_FORBIDDEN for a key that would leave its folder. */
export function pathOf(key: string): string {
  const parts = key.split('/').filter((part) => part !== '');
  if (parts.length === 0 || parts.some((part) => part === '.' || part === '..') || /[\0\\]/.test(key)) {
    throw new MillraceError('BUCKET_KEY_FORBIDDEN', `the object key '${key}' would leave the artifact's folder`, {
      retry: 'never',
    });
  }
  return parts.join('/');
}
