import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { PersistentMap } from '../persistent-map.ts';
import { BlobStore } from './blob-store.ts';
import { RepositoryContent } from './repository-content.ts';

/** A repository as ECR describes it; its images are in its content. */
export interface RepositoryRecord {
  name: string;
  createdAt: number;
  tagMutability: 'MUTABLE' | 'IMMUTABLE';
  scanOnPush: boolean;
  tags: { Key: string; Value: string }[];
  /** Repository policy, JSON text. */
  policy?: string;
  lifecyclePolicy?: string;
}

/** An image pushed or deleted, as ECR tells EventBridge. */
export interface ImageAction {
  action: 'PUSH' | 'DELETE';
  repository: string;
  digest: string;
  tag: string | undefined;
  mediaType: string;
  artifactType: string | undefined;
}

export const repositoryNamePattern = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;

/** Every repository of the registry. The ECR API and the registry protocol are two faces of it. */
export class RepositoryStore {
  readonly blobs: BlobStore;
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #records: PersistentMap<RepositoryRecord>;
  readonly #contents = new Map<string, RepositoryContent>();
  readonly #listeners = new Set<(action: ImageAction) => void>();

  constructor(dataDir: string, clock: Clock) {
    this.#dir = dataDir;
    this.#clock = clock;
    this.#records = new PersistentMap(join(dataDir, 'repositories.jsonl'));
    this.blobs = new BlobStore(dataDir);
    this.#sweep();
  }

  get(name: string): RepositoryRecord | undefined {
    return this.#records.get(name);
  }

  list(): RepositoryRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  create(name: string, settings: Partial<Omit<RepositoryRecord, 'name' | 'createdAt'>> = {}): RepositoryRecord {
    const record: RepositoryRecord = {
      name,
      createdAt: this.#clock.now(),
      tagMutability: 'MUTABLE',
      scanOnPush: false,
      tags: [],
      ...settings,
    };
    this.#records.set(name, record);
    return record;
  }

  update(record: RepositoryRecord): void {
    this.#records.set(record.name, record);
  }

  /** The content of a repository that exists. */
  content(name: string): RepositoryContent {
    let content = this.#contents.get(name);
    if (content === undefined) {
      content = new RepositoryContent(this.#contentDir(name));
      this.#contents.set(name, content);
    }
    return content;
  }

  delete(name: string): void {
    this.#contents.get(name)?.close();
    this.#contents.delete(name);
    this.#records.delete(name);
    rmSync(this.#contentDir(name), { recursive: true, force: true });
  }

  /** Tells `listener` of every image that is pushed or deleted from now on. */
  onImageAction(listener: (action: ImageAction) => void): void {
    this.#listeners.add(listener);
  }

  announce(action: ImageAction): void {
    for (const listener of this.#listeners) listener(action);
  }

  close(): void {
    for (const content of this.#contents.values()) content.close();
    this.#records.close();
  }

  /** Slashes of a name become characters that no name has, so that `a/b` and `a` never share a folder. */
  #contentDir(name: string): string {
    return join(this.#dir, 'content', name.replaceAll('/', '+'));
  }

  #sweep(): void {
    const wanted = new Set<string>();
    for (const { name } of this.list()) {
      const content = this.content(name);
      for (const blob of content.blobs()) wanted.add(blob);
      for (const { digest } of content.images()) wanted.add(digest);
    }
    this.blobs.sweep((digest) => wanted.has(digest), this.#clock.now());
  }
}
