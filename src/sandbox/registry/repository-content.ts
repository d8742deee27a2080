import { join } from 'node:path';
import { compareBytes } from '../../base/text.ts';
import { PersistentMap } from '../persistent-map.ts';

/** A manifest that was pushed. */
export interface ImageRecord {
  digest: string;
  mediaType: string;
  artifactType?: string;
  /** Bytes of the manifest with everything it names, as ECR counts an image's size. */
  sizeBytes: number;
  pushedAt: number;
  /** Digests of blobs it needs, so that they can go when it goes. */
  blobs: string[];
  /** Digest of the image that this one (a signature, an attestation) is about. */
  subject?: string;
  annotations?: Record<string, unknown>;
}

/** What one repository holds: images by digest, tags, and the blobs that were uploaded or mounted into it. */
export class RepositoryContent {
  readonly #images: PersistentMap<ImageRecord>;
  readonly #tags: PersistentMap<string>;
  readonly #blobs: PersistentMap<true>;
  #sortedTags: string[] | undefined;

  constructor(dir: string) {
    this.#images = new PersistentMap(join(dir, 'images.jsonl'));
    this.#tags = new PersistentMap(join(dir, 'tags.jsonl'));
    this.#blobs = new PersistentMap(join(dir, 'blobs.jsonl'));
  }

  /** The image that a tag or digest names. */
  find(reference: string): ImageRecord | undefined {
    return this.#images.get(reference.includes(':') ? reference : (this.#tags.get(reference) ?? ''));
  }

  images(): ImageRecord[] {
    return [...this.#images.values()];
  }

  /** Tag → digest. */
  tags(): IterableIterator<[string, string]> {
    return this.#tags.entries();
  }

  tagsOf(digest: string): string[] {
    return [...this.#tags.entries()].filter(([, tagged]) => tagged === digest).map(([tag]) => tag);
  }

  hasTag(tag: string): boolean {
    return this.#tags.has(tag);
  }

  /** Up to `count` tags after `last`, in byte order. */
  tagPage(last: string | undefined, count: number): { tags: string[]; more: boolean } {
    this.#sortedTags ??= [...this.#tags.keys()].sort(compareBytes);
    const sorted = this.#sortedTags;
    const from = last === undefined ? 0 : insertionPoint(sorted, last, true);
    return { tags: sorted.slice(from, from + count), more: from + count < sorted.length };
  }

  hasBlob(digest: string): boolean {
    return this.#blobs.has(digest);
  }

  linkBlob(digest: string): void {
    if (!this.#blobs.has(digest)) this.#blobs.set(digest, true);
  }

  blobs(): IterableIterator<string> {
    return this.#blobs.keys();
  }

  putImage(image: ImageRecord, tag: string | undefined): void {
    this.#images.set(image.digest, image);
    if (tag === undefined) return;
    if (this.#sortedTags !== undefined && !this.#tags.has(tag)) {
      this.#sortedTags.splice(insertionPoint(this.#sortedTags, tag, false), 0, tag);
    }
    this.#tags.set(tag, image.digest);
  }

  /** Takes a tag away; the image stays. True when there was such a tag. */
  deleteTag(tag: string): boolean {
    this.#sortedTags = undefined;
    return this.#tags.delete(tag);
  }

  /** Takes an image away with its tags and the blobs that no other image of the repository needs. */
  deleteImage(digest: string): boolean {
    const image = this.#images.get(digest);
    if (image === undefined) return false;
    for (const tag of this.tagsOf(digest)) this.deleteTag(tag);
    this.#images.delete(digest);
    const needed = new Set(this.images().flatMap(({ blobs }) => blobs));
    for (const blob of image.blobs) if (!needed.has(blob)) this.#blobs.delete(blob);
    return true;
  }

  close(): void {
    for (const map of [this.#images, this.#tags, this.#blobs]) map.close();
  }
}

/** Where `value` belongs in a sorted list: before its equal, or after it. */
function insertionPoint(sorted: readonly string[], value: string, after: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareBytes(sorted[middle] ?? '', value);
    if (order < 0 || (after && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}
