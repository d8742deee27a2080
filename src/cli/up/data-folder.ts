import { constants } from 'node:fs';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../base/error.ts';

/** The folder that a sandbox keeps its state in, held by one process at a time. */
export interface DataFolder {
  path: string;
  /** Lets another process have it. */
  release(): Promise<void>;
}

/**
 * Creates the folder where needed and takes it for this process. Throws DATA_FOLDER_UNUSABLE where it cannot be written and
 * DATA_FOLDER_IN_USE where a living process holds it; what a killed process left behind is no obstacle.
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unusable(path, cause);
  }
  const lockFile = join(path, 'lock');
  await takeLock(lockFile, path);
  return { path, release: () => rm(lockFile, { force: true }) };
}

async function takeLock(lockFile: string, path: string): Promise<void> {
  for (;;) {
    try {
      await writeFile(lockFile, `${process.pid}\n`, { flag: 'wx' });
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, cause);
    }
    const holder = Number((await readFile(lockFile, 'utf8').catch(() => '')).trim());
    if (Number.isInteger(holder) && holder > 0 && holder !== process.pid && isAlive(holder)) {
      throw new MillraceError('DATA_FOLDER_IN_USE', `${path} is in use by process ${holder}`, {
        hint: `Stop that sandbox first, or start this one with --data and another folder. If ${holder} is not a millrace, delete ${lockFile}.`,
        retry: 'never',
      });
    }
    await rm(lockFile, { force: true });
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

function unusable(path: string, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError('DATA_FOLDER_UNUSABLE', `${path} cannot be used as data folder: ${reason}`, {
    cause,
    hint: 'Name a folder that you may write to with --data.',
    retry: 'never',
  });
}
