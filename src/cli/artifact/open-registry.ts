import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Option, type Command as Program } from 'commander';
import { createEcrLogins } from '../../aws/ecr-login.ts';
import { parseAwsEnvironment } from '../../aws/environment.ts';
import { createAwsIdentities } from '../../aws/identities.ts';
import { MillraceError } from '../../base/error.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { proxyFromEnv } from '../../http/proxy.ts';
import { matchDockerConfig, parseDockerConfig, type RegistryCredential } from '../../oci/docker-config.ts';
import type { Repository } from '../../oci/reference.ts';
import { createRegistry, type Registry } from '../../oci/registry.ts';
import { version } from '../../version.ts';
import type { CliContext } from '../context.ts';

/** The options by which every artifact command reaches its registry. */
export function registryOptions(command: Program): Program {
  return command
    .option('--creds <user:password>', 'credential for the registry (default: the docker configuration)')
    .addOption(
      new Option('--provider <name>', 'log in to ECR by the AWS identity of the environment')
        .choices(['generic', 'aws'])
        .default('generic'),
    )
    .option('--insecure-registry', 'allow plain HTTP')
    .option('--registry-endpoint <host=url>', 'reach a registry elsewhere than its name says; repeatable', collectList);
}

/** Takes an option that may be given several times, or with commas between, as Flux's lists may. */
export function collectList(value: string, before: string[] = []): string[] {
  return [...before, ...value.split(',').filter((part) => part !== '')];
}

/** Opens registries for one command and closes their connections when `work` is done. */
export async function withRegistry<T>(
  options: Record<string, unknown>,
  context: CliContext,
  work: (registry: Registry) => Promise<T>,
): Promise<T> {
  const proxy = proxyFromEnv(context.env);
  const http = createHttpClient({
    headers: { 'user-agent': `millrace/${version}` },
    ...(proxy === undefined ? {} : { proxy }),
  });
  try {
    const login = loginOf(options, context);
    const insecure = options['insecureRegistry'] === true;
    return await work(createRegistry({ http, login, insecure, endpoints: endpointsOf(options) }));
  } finally {
    await http.close({ force: true });
  }
}

type Login = (repository: Repository, signal: AbortSignal) => Promise<RegistryCredential | undefined>;

function loginOf(options: Record<string, unknown>, { env }: CliContext): Login {
  const { creds, provider } = options;
  if (typeof creds === 'string') {
    const colon = creds.indexOf(':');
    if (colon < 0) throw badInput('--creds is not of the form user:password');
    return async () => ({ kind: 'password', username: creds.slice(0, colon), password: creds.slice(colon + 1) });
  }
  if (provider === 'aws') {
    const environment = parseAwsEnvironment(env);
    const ecr = createEcrLogins({
      identities: createAwsIdentities({ environment, usesDefaultProfile: true }),
      endpoints: environment.endpoints,
    });
    return async ({ host }, signal) => ({ kind: 'password', ...(await ecr.login(host, { signal })) });
  }
  return async (repository) => matchDockerConfig(parseDockerConfig(await readDockerConfig(env)), repository);
}

async function readDockerConfig(env: CliContext['env']): Promise<string> {
  const folder = env['DOCKER_CONFIG'] || join(env['HOME'] ?? '', '.docker');
  return readFile(join(folder, 'config.json'), 'utf8').catch(() => '');
}

/** Registry host → URL, as `--registry-endpoint` says. */
export function endpointsOf(options: Record<string, unknown>): Record<string, string> {
  const { registryEndpoint } = options;
  const pairs = Array.isArray(registryEndpoint) ? (registryEndpoint as string[]) : [];
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals <= 0 || !URL.canParse(pair.slice(equals + 1))) {
        throw badInput(`--registry-endpoint ${pair} is not of the form host=url`);
      }
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

function badInput(message: string): MillraceError {
  return new MillraceError('BAD_INPUT', message, { retry: 'never' });
}
