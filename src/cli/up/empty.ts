import { createLogger } from '../../base/logger.ts';
import { createGit } from '../../git/program.ts';
import { type PartName, type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import type { CliContext } from '../context.ts';
import { demoNames } from './demo-names.ts';
import { writeEnvironment } from './environment.ts';
import { fleetFiles } from './fleet.ts';
import { seedRepository } from './seed.ts';
import { untilAborted } from './until-aborted.ts';

/** Every part of the sandbox, with a fleet in git and nothing provisioned: what `millrace init` and `provision` are tried on. */
export async function runEmpty(
  { dataDir, ports }: { dataDir: string; ports: Partial<Record<PartName, number>> },
  context: CliContext,
): Promise<void> {
  const { env, signal, stdout, stderr } = context;
  const search = env['PATH'] === undefined ? {} : { searchPath: env['PATH'] };
  const sandbox = await startSandbox({ dataDir, ports, logger: createLogger('error', stderr), ...search });
  try {
    const { namespace, branch, repository, firstTag, fleet, gitSecret } = demoNames;
    const { registry, git } = sandbox.access;
    const url = await sandbox.git.createRepository(fleet, { defaultBranch: branch });
    const image = `${registry.host}/${repository}`;
    const files = fleetFiles({ gitUrl: url, branch, gitSecret, namespace, image, tag: firstTag });
    const auth = { kind: 'basic' as const, username: git.username, password: git.password };
    await seedRepository(createGit(search), { url, auth }, { branch, files }, signal);
    stdout.write(`${guide(sandbox, url, await writeEnvironment(dataDir, sandbox.access), dataDir)}\n`);
    await untilAborted(signal);
  } finally {
    await sandbox.close();
  }
}

function guide({ access }: Sandbox, fleetUrl: string, environment: string, dataDir: string): string {
  const { kubernetes, aws, registry, git } = access;
  const clone = fleetUrl.replace('://', `://${git.username}:${git.password}@`);
  return `millrace sandbox in ${dataDir}
kubernetes   ${kubernetes.url}
aws          ${aws.url}   account ${aws.account.id}, ${aws.account.region}
registry     ${registry.url}   as ${registry.host}
git          ${fleetUrl}

Nothing is provisioned. In another terminal:
  . ${environment}
  git clone ${clone} && cd ${demoNames.fleet}
  millrace init --engine millrace --from .
  millrace provision apply --dry-run
  millrace provision apply
  millrace push mainapp:${demoNames.firstTag} --data ${dataDir}
  millrace run --registry-endpoint ${registry.host}=${registry.url}     # and in a third:
  millrace verify --registry-endpoint ${registry.host}=${registry.url}
  millrace provision terraform --out terraform      # the same for an account of yours, to read
  millrace provision destroy

Ctrl-C ends the sandbox; the next start on the same folder goes on from here.`;
}
