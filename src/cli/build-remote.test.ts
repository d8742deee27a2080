import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../test/support/run-cli.ts';
import { type GitServer, startGit } from '../sandbox/git/start-git.ts';

const run = promisify(execFile);
let dir: string;
let git: GitServer;
let web: Server;
let webUrl: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-build-remote-'));
  const user = { name: 'guest', password: 'let-me-in', access: 'write' } as const;
  git = await startGit({ dataDir: join(dir, 'git'), users: [user] });
  await git.createRepository('fleet');
  await pushFleet();
  web = createServer((request, response) => {
    if (request.url === '/config.yaml') response.end('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await git.close();
  web.close();
  await rm(dir, { recursive: true, force: true });
});

const withUser = (url: string) => url.replace('//', '//guest:let-me-in@');

/** Version 1 under a tag, version 2 on the branch. */
async function pushFleet(): Promise<void> {
  const work = join(dir, 'work');
  await mkdir(join(work, 'base'), { recursive: true });
  const commands = (...list: string[][]) =>
    list.reduce(
      (before, args) =>
        before.then(async () => {
          await run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: work });
        }),
      Promise.resolve(),
    );
  await writeFile(join(work, 'base/kustomization.yaml'), 'resources: [../objects.yaml]\n');
  const objects = (version: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fleet-${version}}\n`;
  await writeFile(join(work, 'base/kustomization.yaml'), 'resources: [objects.yaml]\n');
  await writeFile(join(work, 'base/objects.yaml'), objects('v1'));
  await commands(['init', '-q', '-b', 'main'], ['add', '.'], ['commit', '-qm', 'v1'], ['tag', '-am', 'v1', 'v1']);
  await writeFile(join(work, 'base/objects.yaml'), objects('v2'));
  const url = `${withUser(git.url)}/fleet.git`;
  await commands(['commit', '-qam', 'v2'], ['push', '-q', url, 'main', 'v1']);
}

async function build(resource: string, ...flags: string[]) {
  const folder = await mkdtemp(join(dir, 'overlay-'));
  await writeFile(join(folder, 'kustomization.yaml'), `resources: ["${resource}"]\n`);
  const { code, out, err } = await runCli(['build', folder, ...flags]);
  return { code, names: out.match(/name: .*/g), err };
}

test('a folder of a repository, at a tag and at the default branch, and a file of a web server', async () => {
  const fleet = `${withUser(git.url)}/fleet.git//base`;
  expect(await build(`${fleet}?ref=v1`, '--allow-remote-bases')).toMatchObject({ code: 0, names: ['name: fleet-v1'] });
  expect(await build(fleet, '--allow-remote-bases')).toMatchObject({ code: 0, names: ['name: fleet-v2'] });
  expect(await build(`${webUrl}/config.yaml`, '--allow-remote-bases')).toMatchObject({
    code: 0,
    names: ['name: web'],
  });
});

test('what is missing is named, and passwords are not', async () => {
  const noRef = await build(`${withUser(git.url)}/fleet.git//base?ref=v9`, '--allow-remote-bases');
  expect(noRef).toMatchObject({ code: 1 });
  expect(noRef.err).toContain("it has no branch, tag or commit 'v9'");
  const noFile = await build(`${webUrl}/a/b/none.yaml`, '--allow-remote-bases');
  expect(noFile.err).toContain('the server answers 404');
  const refused = await build(`${withUser(git.url)}/fleet.git//base`);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.err).toContain('is not loaded');
  expect(noRef.err + noFile.err + refused.err).not.toContain('let-me-in');
});
