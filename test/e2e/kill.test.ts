import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { MillraceProcess, newDataFolder, removeFolder } from './sandbox-process.ts';

const run = promisify(execFile);
const kills = 12;
const earliestMs = 150;
const stepMs = 280;

/**
 * Kills everything at once at moments from the very start to after the delivery, again and again on the same folder. The next start
 * must go on from there: one commit for each tag, none lost, and the newest image running.
 */
test('killed at any moment, the next start converges', { timeout: 240_000 }, async () => {
  const data = await newDataFolder();
  for (let index = 0; index < kills; index++) {
    const millrace = new MillraceProcess(['up', '--data', data]);
    await new Promise((wake) => setTimeout(wake, earliestMs + index * stepMs));
    millrace.kill('SIGKILL');
    await millrace.ended;
  }
  const last = await new MillraceProcess(['up', '--once', '--data', data]).ended;
  expect(last, `${last.stdout}\n${last.stderr}`).toMatchObject({ code: 0 });
  const { stdout } = await run('git', [
    '--git-dir',
    join(data, 'git', 'repositories', 'fleet.git'),
    'log',
    '--format=%s%n%b',
    'main',
  ]);
  const commits = stdout.split('\n').filter((line) => line.includes('1.0.1'));
  expect(commits, stdout).toHaveLength(1);
  await removeFolder(data);
});
