import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type GitProgram, runGit } from './git-process.ts';

const namePattern = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*$/;

/** The bare repositories of the server, each in a folder `<name>.git`. */
export class GitRepositories {
  readonly #dir: string;
  readonly #program: GitProgram;

  constructor(dataDir: string, program: GitProgram) {
    this.#dir = join(dataDir, 'repositories');
    this.#program = program;
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    // Left over from a start that was killed while it made a repository.
    for (const name of readdirSync(this.#dir)) {
      if (name.startsWith('.new-')) rmSync(join(this.#dir, name), { recursive: true, force: true });
    }
  }

  /** Folder of a repository, named with or without `.git`; undefined when there is none of that name. */
  find(name: string): string | undefined {
    const bare = name.replace(/\.git$/, '');
    if (!isRepositoryName(bare)) return undefined;
    const path = join(this.#dir, `${bare}.git`);
    return existsSync(join(path, 'HEAD')) ? path : undefined;
  }

  /** Makes a repository unless it exists, and returns its folder. It appears whole or not at all. */
  async create(name: string, defaultBranch: string): Promise<string> {
    if (!isRepositoryName(name)) throw new Error(`${name} is not a repository name`);
    const present = this.find(name);
    if (present !== undefined) return present;
    const path = join(this.#dir, `${name}.git`);
    const draft = join(this.#dir, `.new-${process.pid}-${name.replaceAll('/', '-')}`);
    await runGit(this.#program, ['init', '--quiet', '--bare', `--initial-branch=${defaultBranch}`, '--', draft]);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    renameSync(draft, path);
    return path;
  }
}

/** Path segments of letters, digits and `._-` that begin with neither dot nor dash, and so never leave the folder. */
export function isRepositoryName(name: string): boolean {
  return namePattern.test(name) && !name.split('/').some((part) => part.endsWith('.git') || part.includes('..'));
}
