import { join } from 'node:path';
import type { KubeClient } from '../../kube/client.ts';
import { controllersName } from '../../provision/aws-model.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { writePrivateFile } from '../../sandbox/sandbox-access.ts';
import type { CliContext } from '../context.ts';
import { type ControllersProcess, startControllers } from './controllers.ts';
import { kubeconfigFor } from './kubeconfig-for.ts';

export interface RunControllersOptions {
  /** Absolute: their kubeconfig, their storage and their log are kept in it. */
  dataDir: string;
  /** Namespace of the installation. */
  namespace: string;
  /** Queue of ECR's push events; without one a push is seen at the next scan. */
  queueUrl?: string;
  /** Registries besides ECR's: host → `http://127.0.0.1:port`. */
  registries?: Readonly<Record<string, string>>;
  /** Further arguments of `millrace run`. */
  args?: readonly string[];
  /** Variables over those that a pod would have; undefined takes one away. */
  env?: Readonly<Record<string, string | undefined>>;
}

/** Nobody renews it: the process lives as long as the sandbox. In seconds. */
const month = 30 * 24 * 3600;

/** The controllers as the ServiceAccount of their installation, with nothing of the user's own environment. */
export async function runControllers(
  sandbox: Sandbox,
  kube: KubeClient,
  options: RunControllersOptions,
  { env, program }: Pick<CliContext, 'env' | 'program'>,
): Promise<ControllersProcess> {
  if (program === undefined) throw new Error('the program does not know how it was started');
  const { access } = sandbox;
  const { dataDir, namespace, queueUrl, registries = {}, args = [] } = options;
  const kubeconfig = join(dataDir, 'controllers.kubeconfig');
  const account = { namespace, name: controllersName };
  const request = { audiences: [access.kubernetes.issuer], expirationSeconds: month };
  const { token } = await kube.requestToken(account, request, { signal: AbortSignal.timeout(30_000) });
  await writePrivateFile(kubeconfig, kubeconfigFor(sandbox.kubernetes, namespace, { token }));
  const endpoints = { [access.registry.host]: access.registry.url, ...registries };
  return startControllers({
    program,
    args: [
      ...['--kubeconfig', kubeconfig, '--namespace', namespace, '--storage-path', join(dataDir, 'controllers')],
      ...['--metrics-addr', '127.0.0.1:0'],
      ...Object.entries(endpoints).flatMap(([host, url]) => ['--registry-endpoint', `${host}=${url}`]),
      ...(queueUrl === undefined ? [] : ['--ecr-events-queue', queueUrl]),
      ...args,
    ],
    env: {
      PATH: env['PATH'],
      HOME: env['HOME'],
      AWS_REGION: access.aws.account.region,
      AWS_ENDPOINT_URL_STS: access.aws.url,
      AWS_ENDPOINT_URL_ECR: access.aws.url,
      AWS_ENDPOINT_URL_SQS: access.aws.url,
      AWS_EC2_METADATA_DISABLED: 'true',
      ...options.env,
    },
    logFile: join(dataDir, 'controllers.log'),
  });
}
