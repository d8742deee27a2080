import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '../../api/artifact.ts';
import { MillraceError } from '../../base/error.ts';
import { removeAbandonedFiles } from '../../git/private-files.ts';
import type { Git } from '../../git/program.ts';
import { gitOf } from '../git-of.ts';
import type { ControllerDeps } from './controllers.ts';

/** What several controllers of one process have in common. */
export interface SharedParts {
  /** Folder of everything kept on disk. */
  storageDir: string;
  git: Git;
  /** The file of an artifact, where the source controller of this very process keeps it. */
  localArtifact(artifact: Artifact): string | undefined;
  /** Called by the source controller as it starts. */
  keepArtifactsAt(fileOf: (artifact: Artifact) => string): void;
}

export async function createShared({ options, config, env }: ControllerDeps): Promise<SharedParts> {
  const storageDir = options.storagePath ?? defaultStorage(env, config.name);
  try {
    await mkdir(storageDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new MillraceError('DATA_FOLDER_UNUSABLE', `The storage folder ${storageDir} cannot be made`, {
      cause,
      hint: 'Name a folder that you may write to with --storage-path.',
      retry: 'never',
    });
  }
  const git = gitOf(env, {
    sshKexAlgorithms: options.sshKexAlgos,
    sshHostKeyAlgorithms: options.sshHostkeyAlgos,
  });
  await removeAbandonedFiles(git.options.tempDir);
  let fileOf: ((artifact: Artifact) => string) | undefined;
  return {
    storageDir,
    git,
    localArtifact: (artifact) => fileOf?.(artifact),
    keepArtifactsAt: (place) => {
      fileOf = place;
    },
  };
}

/** Below the user's cache, one folder for a cluster: everything in it can be fetched again. */
function defaultStorage(env: ControllerDeps['env'], cluster: string): string {
  const cache = env['XDG_CACHE_HOME'] || join(env['HOME'] ?? '.', '.cache');
  return join(cache, 'millrace', 'run', cluster.replace(/[^\w.-]+/g, '-'));
}
