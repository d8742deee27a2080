// What takes minutes: `npm run test:slow`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GitHttpServer, startGitHttpServer } from '../../../test/support/git-http-server.ts';
import { makeTempDir, runGit } from '../../../test/support/git-repository.ts';
import { createGitHarness, createOciHarness } from '../../../test/support/source-harness.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { pushBlob, pushManifest } from '../../oci/blobs.ts';
import { mediaTypes } from '../../oci/manifest.ts';
import { createRegistry } from '../../oci/registry.ts';
import type { HttpListener } from '../../sandbox/http-listener.ts';
import { startPlainRegistry } from '../../sandbox/registry/start-registry.ts';
import { tarHeader } from './tar-header.ts';

const million = 1_000_000;
const isAsked = process.env['MILLRACE_TEST_SLOW'] === '1';

describe.skipIf(!isAsked)('a million files, and bombs', { timeout: 600_000 }, () => {
  const temp = makeTempDir();
  const signal = new AbortController().signal;
  const http = createHttpClient();
  let git: GitHttpServer;
  let registry: HttpListener;
  beforeAll(async () => {
    git = await startGitHttpServer({ root: temp.dir });
    registry = await startPlainRegistry({ dataDir: join(temp.dir, 'registry') });
  });
  afterAll(async () => {
    await http.close({ force: true });
    await git?.close();
    await registry?.close();
    temp.remove();
  });

  /** A commit of so many equal files on `main`, after whatever is there. */
  async function commitFiles(bare: string, count: number): Promise<void> {
    const child = spawn('git', ['fast-import', '--quiet', '--force'], {
      cwd: bare,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    let text = 'blob\nmark :1\ndata 5\na: 1\n\ncommit refs/heads/main\ncommitter B <b@e> 1700000000 +0000\ndata 1\nx\n';
    for (let i = 0; i < count; i++) {
      text += `M 100644 :1 d${i % 1000}/f${i}.yaml\n`;
      if (text.length < 1_000_000) continue;
      if (!child.stdin.write(text)) await once(child.stdin, 'drain');
      text = '';
    }
    child.stdin.end(text);
    await once(child, 'close');
  }
  const diskOf = (dir: string) =>
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

  test('more files than an artifact may hold: the last one stays, and with fewer it goes on', async () => {
    const bare = join(temp.dir, 'many.git');
    runGit('/', ['init', '-q', '--bare', '-b', 'main', bare]);
    await commitFiles(bare, 10);
    const h = await createGitHarness(join(temp.dir, 'git'));
    await h.put({ url: `${git.url}/many.git`, timeout: '5m' });
    await h.reconcile();
    const kept = h.artifact();
    await commitFiles(bare, million);
    const idle = process.memoryUsage.rss();
    await h.reconcile();
    expect(h.condition('StorageOperationFailed')).toMatchObject({
      reason: 'ArchiveOperationFailed',
      message: 'unable to archive artifact to storage: the content has 1001000 entries, more than 1000000',
    });
    expect(process.memoryUsage.rss() - idle).toBeLessThan(1.5 * 1024 ** 3);
    expect(h.artifact()).toEqual(kept);
    expect(diskOf(join(temp.dir, 'git/store'))).toBeLessThan(100_000);
    await h.edit({ ignore: '/d1*' });
    await h.reconcile();
    expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  });

  async function pushLayer(name: string, blocks: () => Iterable<Buffer>): Promise<void> {
    const file = join(temp.dir, name);
    await pipeline(Readable.from(blocks()), createGzip({ level: 1 }), (await open(file, 'w')).createWriteStream());
    const registryClient = createRegistry({ http });
    const target = { host: `127.0.0.1:${registry.port}`, name };
    const push = (data: Buffer, mediaType: string) => pushBlob(registryClient, target, { data, mediaType }, { signal });
    const layer = await push(readFileSync(file), 'application/x');
    const config = await push(Buffer.from('{}'), 'application/y');
    const mediaType = mediaTypes.ociManifest;
    const raw = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }));
    await pushManifest(registryClient, target, 'latest', { raw, mediaType, signal });
  }
  const zeros = Buffer.alloc(1024 ** 2);
  const layers: [string, () => Iterable<Buffer>, RegExp][] = [
    [
      'entries',
      function* () {
        for (let i = 0; i <= million; i++) yield tarHeader({ path: `f${i}`, kind: 'file', size: 0 });
        yield Buffer.alloc(1024);
      },
      /it has more than 1000000 entries/,
    ],
    [
      'one-file',
      function* () {
        yield tarHeader({ path: 'bomb', kind: 'file', size: 6 * 1024 ** 3 });
        for (let i = 0; i < 64; i++) yield zeros;
      },
      /it unpacks to more than \d+ bytes/,
    ],
    [
      'many-files',
      function* () {
        for (let file = 0; file < 40; file++) {
          yield tarHeader({ path: `f${file}`, kind: 'file', size: 64 * zeros.length });
          for (let i = 0; i < 64; i++) yield zeros;
        }
        yield Buffer.alloc(1024);
      },
      /it unpacks to more than \d+ bytes/,
    ],
  ];
  test.each(layers)('a layer that is a bomb (%s)', async (name, blocks, message) => {
    await pushLayer(name, blocks);
    const dir = join(temp.dir, `oci-${name}`);
    const h = await createOciHarness(dir, { maxArchiveBytes: 1024 ** 3 });
    await h.put({ url: `oci://127.0.0.1:${registry.port}/${name}`, timeout: '5m' });
    await h.reconcile();
    expect(h.condition('FetchFailed')).toMatchObject({
      reason: 'OCIArtifactLayerOperationFailed',
      message: expect.stringMatching(message),
    });
    expect(diskOf(dir)).toBeLessThan(1_000_000);
  });
});
