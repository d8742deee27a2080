import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** How the git binary is started. */
export interface GitProgram {
  /** Where it is looked for, in the form of PATH. */
  searchPath: string;
}

/**
 * Starts git with nothing of the machine's or the user's settings, without hooks and prompts. `protocol` is the client's
 * Git-Protocol header, which git reads from its environment.
 */
export function spawnGit(
  { searchPath }: GitProgram,
  args: readonly string[],
  protocol?: string,
): ChildProcessWithoutNullStreams {
  return spawn('git', [...settings.flatMap((setting) => ['-c', setting]), ...args], {
    env: {
      PATH: searchPath,
      HOME: '/nonexistent',
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      ...(protocol === undefined ? {} : { GIT_PROTOCOL: protocol }),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

const settings = [
  'core.hooksPath=/dev/null',
  // What hosting services allow: any commit can be fetched by its hash, blobs can be left out.
  'uploadpack.allowAnySHA1InWant=true',
  'uploadpack.allowFilter=true',
  'receive.fsckObjects=true',
  // A push is answered when it is stored; nothing runs on behind it.
  'receive.autogc=false',
  'gc.auto=0',
  // Serving never makes git fetch from elsewhere.
  'protocol.allow=never',
];

/** Runs git to its end and returns what it printed. Throws a plain Error with git's words when it fails. */
export async function runGit(program: GitProgram, args: readonly string[]): Promise<string> {
  const child = spawnGit(program, args);
  child.stdin.end();
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [output, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (code !== 0) throw new Error(`git ${args[0] ?? ''} failed: ${complaint.trim()}`);
  return output;
}
