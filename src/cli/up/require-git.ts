import { MillraceError } from '../../base/error.ts';
import { createGit, mustRun } from '../../git/program.ts';
import type { CliContext } from '../context.ts';

const oldest = [2, 34] as const;

/** Throws GIT_MISSING where there is no git, or one that is too old. */
export async function requireGit({ env, signal }: CliContext): Promise<void> {
  const searchPath = env['PATH'];
  const git = createGit(searchPath === undefined ? {} : { searchPath });
  const answer = await mustRun(git, ['version'], { signal }).catch((cause: unknown) => {
    throw missing('git was not found', cause);
  });
  const [, major = '0', minor = '0'] = /version (\d+)\.(\d+)/.exec(answer.toString('utf8')) ?? [];
  const isOldEnough = Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
  if (!isOldEnough) throw missing(`git is ${major}.${minor}, older than ${oldest.join('.')}`);
}

function missing(what: string, cause?: unknown): MillraceError {
  return new MillraceError('GIT_MISSING', what, {
    cause,
    hint: `Install git ${oldest.join('.')} or newer and have it in PATH.`,
    retry: 'never',
  });
}
