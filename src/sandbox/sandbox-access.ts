import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../base/error.ts';

/** Addresses and credentials of a sandbox, for the commands that talk to one that is running. */
export const SandboxAccess = z.object({
  /** `kubeconfig` is the file for its administrator. */
  kubernetes: z.object({ url: z.string(), issuer: z.string(), kubeconfig: z.string() }),
  aws: z.object({
    url: z.string(),
    account: z.object({ partition: z.string(), id: z.string(), region: z.string() }),
    /** The administrator's key pair. */
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
  }),
  /** `host` is how images are named, `url` where the registry listens. */
  registry: z.object({ url: z.string(), host: z.string() }),
  git: z.object({
    url: z.string(),
    username: z.string(),
    password: z.string(),
    reader: z.object({ username: z.string(), password: z.string() }),
  }),
});
export type SandboxAccess = z.infer<typeof SandboxAccess>;

const fileName = 'sandbox.json';

/** Writes the file, for its owner alone. */
export async function writeSandboxAccess(dataDir: string, access: SandboxAccess): Promise<void> {
  await writePrivateFile(join(dataDir, fileName), `${JSON.stringify(access, undefined, 2)}\n`);
}

/** Writes a file that only its owner can read, whole or not at all. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.next`, text, { mode: 0o600 });
  await rename(`${path}.next`, path);
}

/** Reads the file of a sandbox's data folder. Throws SANDBOX_NOT_FOUND where there is none. */
export async function readSandboxAccess(dataDir: string): Promise<SandboxAccess> {
  const path = join(dataDir, fileName);
  try {
    return SandboxAccess.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new MillraceError('SANDBOX_NOT_FOUND', `${dataDir} is not the data folder of a sandbox`, {
      cause,
      retry: 'never',
      hint: 'Start one with `millrace up`, or name its folder with --data.',
    });
  }
}
