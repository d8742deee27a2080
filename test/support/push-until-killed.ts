import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { pushSmallImage } from '../../src/sandbox/registry/push-image.ts';
import { RepositoryStore } from '../../src/sandbox/registry/repository-store.ts';
import { startRegistry } from '../../src/sandbox/registry/start-registry.ts';

// Run by kill.test.ts as a process of its own: pushes one tag after another and says which the registry has confirmed.
const dataDir = process.argv[2] ?? '';
const first = Number(process.argv[3] ?? 0);
const repositories = new RepositoryStore(join(dataDir, 'registry'), systemClock);
const access = { authenticate: () => ({ require() {} }) };
const registry = await startRegistry({ repositories, access, registryId: '000000000000', createOnPush: true });
const target = { endpoint: registry.url, username: 'AWS', password: 'x' };
for (let i = first; ; i++) {
  const image = { repository: 'apps/a', tag: `0.0.${i}`, createdAt: i };
  const digest = await pushSmallImage(image, target, new AbortController().signal);
  process.stdout.write(`${image.tag} ${digest}\n`);
}
