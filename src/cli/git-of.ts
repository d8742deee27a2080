import { createGit, type Git, type GitOptions } from '../git/program.ts';
import type { CliContext } from './context.ts';

/** The git binary of the user's PATH, with the proxies of the environment. */
export function gitOf(env: CliContext['env'], options: GitOptions = {}): Git {
  return createGit({
    ...(env['PATH'] !== undefined && { searchPath: env['PATH'] }),
    proxyEnvironment: { ...env },
    ...options,
  });
}
