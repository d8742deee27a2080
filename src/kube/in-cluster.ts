import { readFile } from 'node:fs/promises';
import { MillraceError } from '../base/error.ts';
import type { KubeConfig } from './config.ts';

type Env = Readonly<Record<string, string | undefined>>;

const defaultFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Whether the process runs in a pod, by the variables that the kubelet sets. */
export function isInCluster(env: Env): boolean {
  return Boolean(env['KUBERNETES_SERVICE_HOST'] && env['KUBERNETES_SERVICE_PORT']);
}

/** The pod's ServiceAccount: its token is read again as the kubelet rotates it. */
export async function inClusterConfig(env: Env, folder = defaultFolder): Promise<KubeConfig> {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  try {
    const ca = await readFile(`${folder}/ca.crt`, 'utf8');
    const namespace = (await readFile(`${folder}/namespace`, 'utf8')).trim();
    return {
      name: 'in-cluster',
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      ca,
      namespace,
      credentials: { kind: 'token-file', path: `${folder}/token` },
    };
  } catch (cause) {
    throw new MillraceError('KUBECONFIG_INVALID', `The pod has no ServiceAccount token in ${folder}`, {
      cause,
      hint: 'Leave automountServiceAccountToken on, or give a kubeconfig.',
      retry: 'never',
    });
  }
}
