import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Files with keys and certificates, for the time of one command. */
export interface PrivateFiles {
  /** Writes a file, by default of mode 0600, and returns its path. */
  write(name: string, text: string, mode?: number): Promise<string>;
  remove(): Promise<void>;
}

/** A folder of mode 0700 that exists only once something is written into it. */
export function newPrivateFiles(tempDir: string): PrivateFiles {
  let dir: string | undefined;
  return {
    async write(name, text, mode = 0o600) {
      dir ??= await mkdtemp(join(tempDir, `${prefix}${ownMark()}-`));
      const path = join(dir, name);
      await writeFile(path, text, { mode });
      return path;
    },
    async remove() {
      if (dir !== undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}

const prefix = 'millrace-git-';

/** Which process a folder belongs to: in a container every life of the process has the same number. */
function ownMark(): string {
  return `${process.pid}-${Math.round(performance.timeOrigin)}`;
}

/** Removes the folders of processes that were killed before they could. */
export async function removeAbandonedFiles(tempDir: string): Promise<void> {
  for (const name of await readdir(tempDir).catch(() => [])) {
    const [, pid = ''] = /^millrace-git-(\d+)-\d+-/.exec(name) ?? [];
    if (pid === '' || name.startsWith(`${prefix}${ownMark()}-`)) continue;
    if (Number(pid) !== process.pid && isAlive(Number(pid))) continue;
    // Another user's folder is not ours to remove.
    await rm(join(tempDir, name), { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
