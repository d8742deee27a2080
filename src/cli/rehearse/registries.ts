import { join } from 'node:path';
import { pushSmallImage } from '../../sandbox/registry/push-image.ts';
import { startPlainRegistry } from '../../sandbox/registry/start-registry.ts';
import type { SandboxAccess } from '../../sandbox/sandbox-access.ts';
import { ImageStore } from '../up/images.ts';
import { formatImage, type TaggedImage } from './image-names.ts';

/** Every registry of a rehearsal: the account's own, and one for each other host that the tree reads tags from. */
export interface Registries {
  /** Hosts besides the account's own, with where they are in the sandbox. */
  endpoints: Record<string, string>;
  isHere(host: string): boolean;
  /** Pushes a small image; an image that was pushed before is left alone. */
  push(image: TaggedImage, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export async function openRegistries(
  access: SandboxAccess,
  hosts: readonly string[],
  dataDir: string,
): Promise<Registries> {
  const own = access.registry.host;
  const others = new Map<string, Awaited<ReturnType<typeof startPlainRegistry>>>();
  for (const [index, host] of hosts.filter((each) => each !== own).entries())
    others.set(host, await startPlainRegistry({ dataDir: join(dataDir, 'registries', String(index)) }));
  const stores = new Map<string, ImageStore>();
  const pushed = new Map<string, Promise<void>>();

  const pushOnce = async (image: TaggedImage, signal: AbortSignal) => {
    const { host, repository, tag } = image;
    const other = others.get(host);
    if (other !== undefined) {
      const target = { endpoint: other.url, username: 'AWS', password: '' };
      await pushSmallImage({ repository, tag, createdAt: Date.now() }, target, signal);
      return;
    }
    const store = stores.get(repository) ?? new ImageStore(access, repository);
    stores.set(repository, store);
    await store.ensureRepository(signal);
    await store.push(tag, signal);
  };

  return {
    endpoints: Object.fromEntries([...others].map(([host, { url }]) => [host, url])),
    isHere: (host) => host === own || others.has(host),
    push(image, signal) {
      const name = formatImage(image);
      const pushing = pushed.get(name) ?? pushOnce(image, signal);
      pushed.set(name, pushing);
      return pushing;
    },
    async close() {
      for (const store of stores.values()) store.close();
      for (const registry of others.values()) await registry.close();
    },
  };
}
