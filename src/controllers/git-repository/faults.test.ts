import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type GitHttpServer, startGitHttpServer } from '../../../test/support/git-http-server.ts';
import { createRepository, makeTempDir, type TestRepository } from '../../../test/support/git-repository.ts';
import { createGitHarness, type SourceHarness } from '../../../test/support/source-harness.ts';

const temp = makeTempDir();
let server: GitHttpServer;
let repository: TestRepository;
let h: SourceHarness;
let number = 0;

beforeAll(async () => {
  server = await startGitHttpServer({ root: temp.dir });
});
afterAll(async () => {
  await server?.close();
  temp.remove();
});
beforeEach(async () => {
  repository = createRepository(temp.dir, `r${++number}.git`);
  h = await createGitHarness(`${temp.dir}/h${number}`);
  repository.commit({ a: '1', big: 'x'.repeat(10) });
  await h.put({ url: `${server.url}/r${number}.git`, timeout: '2s' });
  await h.reconcile();
});
afterEach(() => {
  delete server.options.intercept;
  delete server.options.onData;
});

type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;
const answer =
  (status: number, body = '', headers = {}): Intercept =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };
const pkt = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
const uploadPack = { 'content-type': 'application/x-git-upload-pack-advertisement' };

const faults: { name: string; intercept?: Intercept; cut?: boolean; message: RegExp }[] = [
  { name: 'hangs', intercept: () => true, message: /the checkout did not finish within 2000 ms/ },
  {
    name: 'answers 401',
    intercept: answer(401, '', { 'www-authenticate': 'Basic realm="x"' }),
    message: /authentication required/,
  },
  { name: 'answers 403', intercept: answer(403), message: /returned error: 403/ },
  { name: 'answers 404', intercept: answer(404), message: /not found/ },
  { name: 'answers 429', intercept: answer(429, '', { 'retry-after': '7' }), message: /returned error: 429/ },
  { name: 'answers 500', intercept: answer(500), message: /returned error: 500/ },
  { name: 'answers a page', intercept: answer(200, '<html>'), message: /does not speak the smart git protocol/ },
  {
    name: 'puts an ERR line into its answer',
    intercept: answer(
      200,
      `${pkt('# service=git-upload-pack\n')}0000${pkt('ERR the repository is moving\n')}`,
      uploadPack,
    ),
    message: /remote error: the repository is moving/,
  },
  {
    name: 'closes the connection',
    intercept: (_request, response) => {
      response.destroy();
      return true;
    },
    message: /unable to access|Empty reply/,
  },
  {
    name: 'drops in the middle of the pack',
    cut: true,
    message: /early EOF|unexpected disconnect|RPC failed|hung up|bad pack/,
  },
];
test.each(faults)(
  'a server that $name: the condition says so, the artifact stays, the next run recovers',
  async (fault) => {
    const kept = h.artifact();
    const next = repository.commit({ a: '2', more: Array.from({ length: 20_000 }, () => Math.random()).join('\n') });
    if (fault.intercept !== undefined) server.options.intercept = fault.intercept;
    if (fault.cut === true) {
      let sent = 0;
      server.options.onData = (part, response) => {
        sent += part.length;
        if (sent > 20_000) response.destroy();
      };
    }
    expect(await h.reconcile()).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(h.condition('FetchFailed')).toMatchObject({
      status: 'True',
      reason: 'GitOperationFailed',
      message: expect.stringMatching(fault.message),
    });
    expect(h.condition('Ready')?.status).toBe('False');
    expect(h.artifact()).toEqual(kept);
    expect(existsSync(h.store.fileOf(kept))).toBe(true);
    delete server.options.intercept;
    delete server.options.onData;
    expect(await h.reconcile()).toHaveProperty('requeueAfterMs');
    expect(h.artifact().revision).toBe(`main@sha1:${next}`);
    const [mirror = ''] = readdirSync(join(temp.dir, `h${number}`, 'mirrors', h.cluster.namespace, 'fleet'));
    const packs = readdirSync(
      join(temp.dir, `h${number}`, 'mirrors', h.cluster.namespace, 'fleet', mirror, 'objects/pack'),
    );
    expect(packs.filter((name) => name.startsWith('tmp_'))).toEqual([]);
  },
);

test('a repository that sends more than it may is cut off', async () => {
  const limited = await createGitHarness(`${temp.dir}/limited`, { maxRepositoryBytes: 200_000 });
  const random = Array.from({ length: 400 }, (_, i) => [
    `f${i}`,
    Array.from({ length: 600 }, () => Math.random()).join(''),
  ]);
  repository.commit(Object.fromEntries(random) as Record<string, string>);
  let sent = 0;
  server.options.onData = async (part) => {
    sent += part.length;
    if (sent > 300_000) await new Promise((resolve) => setTimeout(resolve, 300));
  };
  await limited.put({ url: `${server.url}/r${number}.git` });
  await limited.reconcile();
  expect(limited.condition('FetchFailed')?.message).toMatch(/the repository sends more than 200000 bytes/);
});

test('content that is too large for an artifact', async () => {
  const limited = await createGitHarness(`${temp.dir}/small`, { maxArchiveBytes: 5 });
  await limited.put({ url: `${server.url}/r${number}.git` });
  await limited.reconcile();
  expect(limited.condition('StorageOperationFailed')).toMatchObject({ reason: 'ArchiveOperationFailed' });
  expect(
    readdirSync(join(temp.dir, 'small/store'), { recursive: true }).filter((name) => `${name}`.endsWith('.tmp')),
  ).toEqual([]);
});

test.each(['pack', 'ref'])('a damaged copy (%s) is thrown away and fetched anew', async (kind) => {
  const mirrors = join(temp.dir, `h${number}`, 'mirrors', h.cluster.namespace, 'fleet');
  const [mirror = ''] = readdirSync(mirrors);
  const packs = join(mirrors, mirror, 'objects/pack');
  if (kind === 'pack') for (const name of readdirSync(packs)) rmSync(join(packs, name), { force: true });
  else writeFileSync(join(mirrors, mirror, 'refs/millrace/fetched'), `${'1'.repeat(40)}\n`);
  const next = repository.commit({ a: '3' });
  await h.reconcile();
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  expect(h.artifact().revision).toBe(`main@sha1:${next}`);
});

test('locks of a killed run are no obstacle', async () => {
  const mirrors = join(temp.dir, `h${number}`, 'mirrors', h.cluster.namespace, 'fleet');
  const [mirror = ''] = readdirSync(mirrors);
  for (const lock of ['shallow.lock', 'refs/millrace/fetched.lock', 'objects/pack/tmp_pack_x']) {
    writeFileSync(join(mirrors, mirror, lock), '');
  }
  const next = repository.commit({ a: '3' });
  await h.reconcile();
  expect(h.artifact().revision).toBe(`main@sha1:${next}`);
});

test('a mirror that is no longer needed goes', async () => {
  const mirrors = join(temp.dir, `h${number}`, 'mirrors', h.cluster.namespace, 'fleet');
  const [before = ''] = readdirSync(mirrors);
  const other = createRepository(temp.dir, `other${number}.git`);
  other.commit({ b: '1' });
  await h.edit({ url: `${server.url}/other${number}.git` });
  await h.reconcile();
  expect(readdirSync(mirrors)).not.toContain(before);
});

test('a storage that cannot be written to is told, and used again as soon as it can', async () => {
  const kept = h.artifact();
  const folder = join(h.store.fileOf(kept), '..');
  const aside = join(temp.dir, `aside${number}`);
  renameSync(folder, aside);
  writeFileSync(folder, 'in the way');
  const next = repository.commit({ a: '2' });
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({
    status: 'False',
    reason: 'ArchiveOperationFailed',
    message: expect.stringMatching(/^unable to archive artifact to storage: /),
  });
  rmSync(folder);
  renameSync(aside, folder);
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  expect(h.artifact().revision).toBe(`main@sha1:${next}`);
});
