import type { KubeObject } from '../../../base/kube-object.ts';
import { installedControllers } from '../../../provision/controller-objects.ts';
import type { SandboxAccess } from '../../../sandbox/sandbox-access.ts';

/** What the pods of the controllers are told beside what the webhook adds. */
export interface SplitOptions {
  namespace: string;
  /** Image that the pods name; the sandbox's registry has it. */
  image: string;
  /** The flag that says where source-controller serves artifacts. */
  storage: string;
  queueUrl?: string;
  /** Registries besides ECR's: host → `http://127.0.0.1:port`. */
  registries?: Readonly<Record<string, string>>;
  args?: readonly string[];
  env?: Readonly<Record<string, string | undefined>>;
}

export const splitLabel = { 'app.kubernetes.io/part-of': 'millrace' };

/** The four Deployments, named as Flux's, each of its own ServiceAccount. */
export function splitDeployments(access: SandboxAccess, options: SplitOptions): KubeObject[] {
  return installedControllers.map((name) => deployment(name, access, options));
}

function deployment(name: string, { aws, registry }: SandboxAccess, options: SplitOptions): KubeObject {
  const { namespace, image, storage, queueUrl, registries = {}, args = [], env = {} } = options;
  const endpoints = { [registry.host]: registry.url, ...registries };
  const scans = name === 'image-reflector-controller';
  const variables = {
    AWS_REGION: aws.account.region,
    AWS_ENDPOINT_URL_STS: aws.url,
    AWS_ENDPOINT_URL_ECR: aws.url,
    AWS_ENDPOINT_URL_SQS: aws.url,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...env,
  };
  const container = {
    name: 'manager',
    image,
    args: [
      ...['run', '--controllers', name, '--namespace', namespace],
      ...Object.entries(endpoints).flatMap(([host, url]) => ['--registry-endpoint', `${host}=${url}`]),
      ...['--metrics-addr', '127.0.0.1:0'],
      ...(name === 'source-controller' ? [storage] : []),
      ...(scans && queueUrl !== undefined ? ['--ecr-events-queue', queueUrl] : []),
      ...args,
    ],
    env: Object.entries(variables).flatMap(([key, value]) => (value === undefined ? [] : [{ name: key, value }])),
  };
  const labels = { app: name, ...splitLabel };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels }, spec: { serviceAccountName: name, containers: [container] } },
    },
  } as KubeObject;
}
