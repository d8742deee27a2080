import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface TestRepository {
  /** The bare repository that a server serves. */
  bare: string;
  /** Writes files (undefined removes one), commits and pushes to `branch`; returns the commit's hash. */
  commit(files: Record<string, string | undefined>, options?: CommitOptions): string;
  /** Runs git in the work tree. */
  git(...args: string[]): string;
  /** The work tree. */
  work: string;
}

export interface CommitOptions {
  message?: string;
  branch?: string;
  /** Configuration such as `user.signingKey=…`, and `-S` where it should be signed. */
  config?: string[];
  sign?: boolean;
  force?: boolean;
  /** Of author and committer. */
  date?: string;
}

/** A folder that is removed by `remove`. */
export function makeTempDir(name = 'millrace-test-'): { dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), name));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

export function runGit(cwd: string, args: string[], env: Record<string, string> = {}, input?: string): string {
  const result = spawnSync('git', args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...(input === undefined ? {} : { input }),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Tester',
      GIT_AUTHOR_EMAIL: 'tester@example.com',
      GIT_COMMITTER_NAME: 'Tester',
      GIT_COMMITTER_EMAIL: 'tester@example.com',
      ...env,
    },
  });
  if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
  return result.stdout.trim();
}

/** Makes a bare repository `<root>/<name>` with a work tree beside it. */
export function createRepository(root: string, name = 'fleet.git'): TestRepository {
  const bare = join(root, name);
  const work = join(root, `.work-${name}`);
  runGit('/', ['init', '-q', '--bare', '-b', 'main', bare]);
  runGit(bare, ['config', 'http.receivepack', 'true']);
  runGit('/', ['init', '-q', '-b', 'main', work]);
  runGit(work, ['remote', 'add', 'origin', bare]);
  return {
    bare,
    work,
    git: (...args) => runGit(work, args),
    commit(files, options = {}) {
      const branch = options.branch ?? 'main';
      for (const [path, text] of Object.entries(files)) {
        if (text === undefined) {
          rmSync(join(work, path), { recursive: true });
          continue;
        }
        mkdirSync(dirname(join(work, path)), { recursive: true });
        writeFileSync(join(work, path), text);
      }
      runGit(work, ['add', '-A']);
      const config = (options.config ?? []).flatMap((entry) => ['-c', entry]);
      const flags = options.sign === true ? ['-S'] : [];
      const { date } = options;
      const times: Record<string, string> =
        date === undefined ? {} : { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
      runGit(work, [...config, 'commit', '-q', '--allow-empty', ...flags, '-m', options.message ?? 'change'], times);
      runGit(work, ['push', '-q', ...(options.force === true ? ['-f'] : []), 'origin', `HEAD:refs/heads/${branch}`]);
      return runGit(work, ['rev-parse', 'HEAD']);
    },
  };
}
