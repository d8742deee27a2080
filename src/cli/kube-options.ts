import type { Command } from 'commander';
import { proxyFromEnv } from '../http/proxy.ts';
import { type ConnectedKubeClient, createKubeClient, type KubeClientOptions } from '../kube/api-client.ts';
import type { KubeConfig } from '../kube/config.ts';
import { loadKubeConfig } from '../kube/kubeconfig.ts';
import { version } from '../version.ts';
import type { CliContext } from './context.ts';

/** The options that say which cluster a command speaks to. */
export function addKubeOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig to use (default: KUBECONFIG, in-cluster, ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig');
}

/** `-n` and `-A`, as kubectl has them. */
export function addNamespaceOptions(command: Command): Command {
  return command
    .option('-n, --namespace <name>', "namespace (default: the context's)")
    .option('-A, --all-namespaces', 'all namespaces');
}

export interface ClusterAccess {
  config: KubeConfig;
  client: ConnectedKubeClient;
}

/** Connects as `--kubeconfig` and `--context` say; the caller closes the client. */
export async function connect(
  options: Record<string, unknown>,
  { env }: CliContext,
  clientOptions: KubeClientOptions = {},
): Promise<ClusterAccess> {
  const config = await loadKubeConfig({
    env,
    ...optional('path', options['kubeconfig']),
    ...optional('context', options['context']),
  });
  const proxy = proxyFromEnv(env);
  const client = createKubeClient(config, {
    userAgent: `millrace/${version}`,
    ...(proxy === undefined ? {} : { proxy }),
    ...clientOptions,
  });
  return { config, client };
}

/** Runs `work` with a client and closes it afterwards. */
export async function withCluster<T>(
  options: Record<string, unknown>,
  context: CliContext,
  work: (access: ClusterAccess) => Promise<T>,
): Promise<T> {
  const access = await connect(options, context);
  try {
    return await work(access);
  } finally {
    await access.client.close();
  }
}

/** The namespace to look into: undefined for all of them. */
export function chosenNamespace(options: Record<string, unknown>, config: KubeConfig): string | undefined {
  if (options['allNamespaces'] === true) return undefined;
  return typeof options['namespace'] === 'string' ? options['namespace'] : config.namespace;
}

function optional<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  return typeof value === 'string' ? ({ [key]: value } as { [P in K]?: string }) : {};
}
