import { readFile } from 'node:fs/promises';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { type HookServer, startHookServer } from '../../controllers/hooks/hook-server.ts';
import { wakeByCommit } from '../../controllers/hooks/wake-by-commit.ts';
import type { PushWaker } from '../../controllers/image-repository/wake-by-push.ts';
import { parseListenAddress } from '../../runtime/process-server.ts';
import type { ControllerDeps } from './controllers.ts';

/** Takes hooks where `--hook-addr` says so: pushes of images wake scans, pushes of commits wake sources. */
export async function startHooks(deps: ControllerDeps, images: PushWaker): Promise<HookServer | undefined> {
  const { options, client, logger, signal } = deps;
  const address = parseListenAddress(options.hookAddr ?? '0', '--hook-addr');
  if (address === undefined) return undefined;
  const token = await readToken(options.hookTokenFile);
  return startHookServer({
    ...(address.host !== undefined && { host: address.host }),
    port: address.port,
    token,
    logger,
    async onEvents(events) {
      for (const push of events.images) await images.pushed(push);
      for (const push of events.commits) await wakeByCommit(push, { client, logger, signal });
    },
  });
}

async function readToken(file: string | undefined): Promise<string> {
  const hint = 'Write a long random text into a file and give it to the senders as well.';
  if (file === undefined) {
    throw new MillraceError('BAD_INPUT', '--hook-addr needs --hook-token-file', { hint, retry: 'never' });
  }
  let token: string;
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `--hook-token-file: ${errorMessage(cause)}`, { cause, hint, retry: 'never' });
  }
  if (token.length >= 16) return token;
  throw new MillraceError('BAD_INPUT', `--hook-token-file: the token has less than 16 characters`, {
    hint,
    retry: 'never',
  });
}
