import { MillraceError } from '../../base/error.ts';
import { newPrivateFiles } from '../private-files.ts';
import { runProcess } from '../process.ts';
import type { Git } from '../program.ts';
import { signWithPgp } from './pgp-signature.ts';

export type SigningKey =
  | { kind: 'gpg'; armoredKey: string; passphrase?: string }
  | { kind: 'ssh'; identity: string; passphrase?: string };

/** The armored signature of a commit's bytes. Throws GIT_KEY_INVALID where the key or its passphrase is not usable. */
export async function signPayload(git: Git, key: SigningKey, payload: string, signal: AbortSignal): Promise<string> {
  if (key.kind === 'ssh') return signWithSsh(git, key, payload, signal);
  try {
    return await signWithPgp(key.armoredKey, key.passphrase, payload);
  } catch (cause) {
    throw new MillraceError('GIT_KEY_INVALID', `The OpenPGP signing key cannot be used: ${(cause as Error).message}`, {
      cause,
      hint: 'Export it with gpg --export-secret-keys --armor, and give its passphrase where it has one.',
    });
  }
}

const askpassScript = `#!/bin/sh
printf '%s\\n' "$MILLRACE_SSH_PASSPHRASE"
`;

/** ssh-keygen reads every key format OpenSSH has; key and passphrase reach it by a private folder and the environment. */
async function signWithSsh(
  git: Git,
  key: { identity: string; passphrase?: string },
  payload: string,
  signal: AbortSignal,
): Promise<string> {
  const { tempDir, searchPath } = git.options;
  const files = newPrivateFiles(tempDir);
  try {
    const identity = await files.write('identity', `${key.identity.replaceAll('\r\n', '\n').trimEnd()}\n`);
    const askpass = await files.write('askpass', askpassScript, 0o700);
    const { exitCode, stdout, stderr } = await runProcess(
      'ssh-keygen',
      ['-q', '-Y', 'sign', '-n', 'git', '-f', identity],
      {
        cwd: tempDir,
        env: {
          PATH: searchPath,
          HOME: '/nonexistent',
          SSH_ASKPASS: askpass,
          SSH_ASKPASS_REQUIRE: 'force',
          DISPLAY: 'none:0',
          MILLRACE_SSH_PASSPHRASE: key.passphrase ?? '',
        },
        input: payload,
        signal,
      },
    );
    if (exitCode === 0) return stdout.toString('utf8');
    throw new MillraceError(
      'GIT_KEY_INVALID',
      `The SSH signing key cannot be used: ${stderr.trim().replaceAll(identity, 'identity')}`,
      {
        hint: 'The key must be an OpenSSH private key; give its passphrase where it has one.',
      },
    );
  } finally {
    await files.remove();
  }
}
