import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDataFolder } from './data-folder.ts';

const newFolder = () => mkdtemp(join(tmpdir(), 'millrace-data-'));

test('a folder is taken once, and free again after release', async () => {
  const path = await newFolder();
  const folder = await openDataFolder(path);
  await writeFile(join(path, 'lock'), `${process.ppid}\n`);
  await expect(openDataFolder(path)).rejects.toMatchObject({ code: 'DATA_FOLDER_IN_USE' });
  await folder.release();
  await (await openDataFolder(path)).release();
  expect(await readdir(path)).toEqual([]);
});

test('the lock of a process that was killed is no obstacle', async () => {
  const path = await newFolder();
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  await writeFile(join(path, 'lock'), `${pid}\n`);
  await (await openDataFolder(path)).release();
});

test('a path that is a file is refused', async () => {
  const path = join(await newFolder(), 'file');
  await writeFile(path, '');
  await expect(openDataFolder(path)).rejects.toMatchObject({ code: 'DATA_FOLDER_UNUSABLE' });
});
