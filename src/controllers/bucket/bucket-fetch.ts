import { setMaxListeners } from 'node:events';
import { errorMessage, isMillraceError, MillraceError } from '../../base/error.ts';
import { inParallel } from '../../base/parallel.ts';
import { addFolders, type ContentEntry, inWalkOrder } from '../source/content.ts';
import { ignoreFileName } from '../source/ignore-rules.ts';
import type { Spool } from '../source/spool.ts';
import { type BucketIndex, pathOf } from './bucket-index.ts';
import type { S3Client } from './s3-client.ts';
import type { S3Object } from './s3-listing.ts';

const concurrency = 32;

export interface FetchedBucket {
  /** Without what was gone when its turn came. */
  objects: S3Object[];
  content: ContentEntry[];
}

/**
 * Fetches the objects of an index into a spool, many at a time: the listing says how long each is, so that each has its
 * place from the start. Throws BUCKET_CHANGED where one is another than the listing said, ARCHIVE_TOO_LARGE past `maxBytes`.
 */
export async function fetchObjects(
  s3: S3Client,
  { objects, ignoreFile }: BucketIndex,
  spool: Spool,
  { signal, maxBytes }: { signal: AbortSignal; maxBytes: number },
): Promise<FetchedBucket> {
  const total = objects.reduce((sum, { size }) => sum + size, ignoreFile?.length ?? 0);
  if (total > maxBytes) {
    throw new MillraceError('ARCHIVE_TOO_LARGE', `the objects have more than ${maxBytes} bytes together`);
  }
  const found = new Map<string, ContentEntry>();
  const add = (path: string, offset: number, size: number) => {
    addFolders(found, path);
    found.set(path, { path, kind: 'file', from: { spool, offset, size } });
  };
  let offset = 0;
  if (ignoreFile !== undefined) {
    await spool.write(ignoreFile, 0);
    add(ignoreFileName, 0, ignoreFile.length);
    offset = ignoreFile.length;
  }
  const places = objects.map((object) => {
    const place = { object, path: pathOf(object.key), offset };
    offset += object.size;
    return place;
  });
  const kept = new Set<S3Object>();
  // So many requests at once under one signal are no leak.
  setMaxListeners(2 * concurrency, signal);
  await inParallel(places, concurrency, async (place) => {
    if (await fetchOne(s3, place, spool, signal)) kept.add(place.object);
  });
  for (const { object, path, offset: at } of places) if (kept.has(object)) add(path, at, object.size);
  return { objects: objects.filter((object) => kept.has(object)), content: inWalkOrder([...found.values()]) };
}

/** False where the object is gone. */
async function fetchOne(
  s3: S3Client,
  { object, offset }: { object: S3Object; offset: number },
  spool: Spool,
  signal: AbortSignal,
): Promise<boolean> {
  const { key, etag, size } = object;
  const response = await s3.get(key, { signal, etag });
  if (response === undefined) return false;
  let received = 0;
  try {
    for await (const part of response.body as AsyncIterable<Buffer>) {
      if (received + part.length > size) throw otherLength(key);
      await spool.write(part, offset + received);
      received += part.length;
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (isMillraceError(cause)) throw cause;
    throw new MillraceError('HTTP_UNREACHABLE', `failed to get '${key}' object: ${errorMessage(cause)}`, { cause });
  } finally {
    response.body.destroy();
  }
  if (received !== size) throw otherLength(key);
  return true;
}

function otherLength(key: string): MillraceError {
  return new MillraceError('BUCKET_CHANGED', `the object '${key}' is not as long as the listing said`);
}
