import { resolve } from 'node:path';
import type { CliContext } from '../context.ts';

/** The folder that `--data` names: `.millrace` in the current one unless given. */
export function dataPath(options: Record<string, unknown>, { cwd }: Pick<CliContext, 'cwd'>): string {
  return resolve(cwd, typeof options['data'] === 'string' ? options['data'] : '.millrace');
}
