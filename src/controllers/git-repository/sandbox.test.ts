import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { makeTempDir } from '../../../test/support/git-repository.ts';
import { createGitHarness } from '../../../test/support/source-harness.ts';
import { createGit } from '../../git/program.ts';
import { pushHead } from '../../git/push.ts';
import { cloneWorkTree, commitAll, initWorkTree } from '../../git/work-tree.ts';
import { type GitServer, startGit } from '../../sandbox/git/start-git.ts';

const signal = new AbortController().signal;
const temp = makeTempDir();
let server: GitServer;
let url: string;

beforeAll(async () => {
  const users = [{ name: 'flux', password: 'pass', access: 'write' as const }];
  server = await startGit({ dataDir: join(temp.dir, 'server'), users });
  url = await server.createRepository('fleet');
});
afterAll(async () => {
  await server?.close();
  temp.remove();
});

test('the embedded server: empty, first commit by us, fetched, changed', async () => {
  const h = await createGitHarness(join(temp.dir, 'h'));
  await h.cluster.put(secretOf('auth', { username: 'flux', password: 'pass' }));
  await h.put({ url, secretRef: { name: 'auth' } });
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ reason: 'EmptyGitRepository' });

  const git = createGit({ searchPath: process.env['PATH'] ?? '', tempDir: temp.dir });
  const remote = { url, auth: { kind: 'basic', username: 'flux', password: 'pass' } } as const;
  const seed = join(temp.dir, 'seed');
  const author = { name: 'Bot', email: 'bot@example.com' };
  const tree = await initWorkTree({ dir: seed });
  writeFileSync(join(tree.dir, 'a.yaml'), 'a: 1\n');
  await commitAll(git, tree, { message: 'first', author, time: Date.now(), signal });
  await pushHead(git, remote, tree, { target: 'refs/heads/main', signal });
  await h.reconcile();
  expect(await h.files()).toEqual({ 'a.yaml': 'a: 1\n' });

  const next = await cloneWorkTree(git, remote, { dir: join(temp.dir, 'next'), source: 'refs/heads/main', signal });
  writeFileSync(join(next.dir, 'a.yaml'), 'a: 2\n');
  const commit = await commitAll(git, next, { message: 'second', author, time: Date.now(), signal });
  await pushHead(git, remote, next, { target: 'refs/heads/main', signal });
  await h.reconcile();
  expect(h.artifact().revision).toBe(`main@sha1:${commit}`);
  await h.reconcile();
  expect(h.cluster.recorded.at(-1)).toMatch(/^Trace GitOperationSucceeded/);
});
