import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VerifyTools } from '../../diagnose/verify/tools.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { proxyFromEnv } from '../../http/proxy.ts';
import type { KubeClient } from '../../kube/client.ts';
import { endpointsOf } from '../artifact/open-registry.ts';
import type { CliContext } from '../context.ts';
import { gitOf } from '../git-of.ts';
import { verifyTools } from './tools.ts';

/** Opens the doors of a verification for `work`; connections are closed and clones removed afterwards, whatever happens. */
export async function withVerifyTools<T>(
  client: KubeClient,
  options: Record<string, unknown>,
  context: CliContext,
  work: (tools: VerifyTools) => Promise<T>,
): Promise<T> {
  const endpoints = endpointsOf(options);
  const proxy = proxyFromEnv(context.env);
  const http = createHttpClient(proxy === undefined ? {} : { proxy });
  const git = gitOf(context.env);
  const clonesDir = await mkdtemp(join(tmpdir(), 'millrace-verify-'));
  try {
    return await work(verifyTools({ client, git, http, clonesDir, signal: context.signal }, context, endpoints));
  } finally {
    await http.close({ force: true });
    await rm(clonesDir, { recursive: true, force: true });
  }
}
