import type { SandboxKubernetes } from '../../sandbox/kubernetes/kubernetes.ts';

/** How a process is known to the API server: by a token, or by a file of one that is renewed. */
export type KubeconfigUser = { token: string } | { tokenFile: string };

/** A kubeconfig of the sandbox's cluster. */
export function kubeconfigFor(
  { url, caPem }: Pick<SandboxKubernetes, 'url' | 'caPem'>,
  namespace: string,
  user: KubeconfigUser,
): string {
  const ca = Buffer.from(caPem).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'controllers',
    clusters: [{ name: 'sandbox', cluster: { server: url, 'certificate-authority-data': ca } }],
    contexts: [{ name: 'controllers', context: { cluster: 'sandbox', user: 'millrace', namespace } }],
    users: [{ name: 'millrace', user }],
  });
}
