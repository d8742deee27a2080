import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeTempDir } from '../../test/support/git-repository.ts';
import { newPrivateFiles, removeAbandonedFiles } from './private-files.ts';

const temp = makeTempDir();
afterAll(() => temp.remove());

test('keys are for nobody else, and gone afterwards', async () => {
  const files = newPrivateFiles(temp.dir);
  const path = await files.write('identity', 'key');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  await files.remove();
  expect(readdirSync(temp.dir)).toEqual([]);
});

test('what a killed process left is removed, of this life or another; what is in use stays', async () => {
  const files = newPrivateFiles(temp.dir);
  await files.write('identity', 'key');
  const [own = ''] = readdirSync(temp.dir);
  const dead = spawnSync('true').pid;
  const left = [`millrace-git-${dead}-1700000000000-abc`, `millrace-git-${process.pid}-1700000000000-abc`];
  const others = [`millrace-git-${process.ppid}-1700000000000-abc`, 'millrace-git-x', 'something'];
  for (const name of [...left, ...others]) {
    mkdirSync(join(temp.dir, name));
    writeFileSync(join(temp.dir, name, 'identity'), 'key');
  }
  await removeAbandonedFiles(temp.dir);
  expect(readdirSync(temp.dir).sort()).toEqual([own, ...others].sort());
  await files.remove();
});
