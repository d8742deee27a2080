import { awsError } from '../aws/aws-error.ts';
import { MillraceError } from '../base/error.ts';
import { pushSmallImage } from '../sandbox/registry/push-image.ts';
import { readSandboxAccess, type SandboxAccess } from '../sandbox/sandbox-access.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { dataPath } from './up/data-path.ts';

export const register: CommandModule['register'] = (program, shell) => {
  program
    .command('push')
    .description('Build a small image and push it to the registry of a running sandbox.')
    .argument('<image>', 'repository and tag, such as mainapp:1.0.2; the last part of a repository name is enough')
    .option('--data <folder>', 'data folder of the sandbox (default: .millrace)')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples('millrace push mainapp:1.0.2', 'millrace push zenler/mainapp:1.1.0 --data /tmp/demo'),
    )
    .action(shell.action(push));
};

async function push(
  [image = '']: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const [, name = '', tag = ''] = /^([a-z0-9][a-z0-9._/-]*):(\w[\w.-]{0,127})$/.exec(image) ?? [];
  if (name === '') {
    throw new MillraceError('BAD_INPUT', `${image} is not a repository and a tag`, {
      hint: 'Write it as mainapp:1.0.2.',
    });
  }
  const access = await readSandboxAccess(dataPath(options, context));
  const { repository, password } = await login(name, access, context.signal);
  const target = { endpoint: access.registry.url, username: 'AWS', password };
  const digest = await pushSmallImage({ repository, tag, createdAt: Date.now() }, target, context.signal);
  const pushed = `${access.registry.host}/${repository}:${tag}`;
  return { data: { image: pushed, digest }, text: `Pushed ${pushed}@${digest}` };
}

/** Finds the repository and logs in, both through ECR's API as any client does. */
async function login(name: string, { aws }: SandboxAccess, signal: AbortSignal) {
  const { DescribeRepositoriesCommand, ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
  const { accessKeyId, secretAccessKey, account, url } = aws;
  const ecr = new ECRClient({ endpoint: url, region: account.region, credentials: { accessKeyId, secretAccessKey } });
  try {
    const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}), { abortSignal: signal });
    const repository = chooseRepository(
      name,
      repositories.flatMap(({ repositoryName }) => repositoryName ?? []),
    );
    const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}), { abortSignal: signal });
    const token = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64').toString();
    return { repository, password: token.slice(token.indexOf(':') + 1) };
  } catch (error) {
    throw error instanceof MillraceError ? error : awsError(error, 'ECR login at the sandbox', 'the administrator');
  } finally {
    ecr.destroy();
  }
}

/** The repository of that name, or the only one whose last part it is. */
export function chooseRepository(name: string, repositories: readonly string[]): string {
  if (repositories.includes(name)) return name;
  const ending = repositories.filter((repository) => repository.endsWith(`/${name}`));
  const [only] = ending;
  if (only !== undefined && ending.length === 1) return only;
  throw new MillraceError(
    'BAD_INPUT',
    `${name} names ${ending.length === 0 ? 'no repository' : ending.join(' and ')} of the sandbox`,
    {
      hint: `The sandbox has: ${repositories.join(', ') || 'none yet'}.`,
      retry: 'never',
    },
  );
}
