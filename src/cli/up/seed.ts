import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatCommit } from '../../git/commit-object.ts';
import { listRefNames } from '../../git/ls-remote.ts';
import { openMirror } from '../../git/mirror.ts';
import { type Git, mustRun } from '../../git/program.ts';
import { pushHead } from '../../git/push.ts';
import type { GitRemote } from '../../git/remote.ts';

/** Pushes the files as the first commit of an empty repository; a repository that has any commit is left alone. */
export async function seedRepository(
  git: Git,
  remote: GitRemote,
  seed: { branch: string; files: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<boolean> {
  if ((await listRefNames(git, remote, signal)).length > 0) return false;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-seed-'));
  try {
    const dir = join(folder, 'tree');
    for (const [path, text] of Object.entries(seed.files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
    await pushFolder(git, remote, { dir, branch: seed.branch, message: 'The fleet\n' }, signal);
    return true;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Pushes everything in a folder as the first commit of a branch. */
export async function pushFolder(
  git: Git,
  remote: GitRemote,
  { dir, branch, message }: { dir: string; branch: string; message: string },
  signal: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-push-'));
  try {
    const { gitDir } = await openMirror(join(folder, 'git'));
    const run = async (args: string[], input?: string) => {
      const config = [['core.bare', 'false']] as const;
      const output = await mustRun(git, args, {
        signal,
        gitDir,
        workTree: dir,
        cwd: dir,
        config,
        ...(input === undefined ? {} : { input }),
      });
      return output.toString('utf8').trim();
    };
    // Whatever is in the folder is meant, also what a .gitignore in it would leave out.
    await run(['add', '--all', '--force']);
    const author = { name: 'millrace', email: 'millrace@sandbox.local' };
    const tree = await run(['write-tree']);
    const commit = formatCommit({ tree, parents: [], author, committer: author, time: Date.now(), message });
    const head = await run(['hash-object', '-t', 'commit', '-w', '--stdin'], commit);
    await pushHead(git, remote, { dir, gitDir, head }, { signal, target: `refs/heads/${branch}` });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
