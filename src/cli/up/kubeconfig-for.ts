import type { ObjectKey } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';

const month = 30 * 24 * 3600;

/** A kubeconfig by which a process is a ServiceAccount of the sandbox, for a month. */
export async function kubeconfigFor(
  { access, kubernetes }: Sandbox,
  kube: KubeClient,
  account: ObjectKey,
  signal: AbortSignal,
): Promise<string> {
  const request = { audiences: [access.kubernetes.issuer], expirationSeconds: month };
  const { token } = await kube.requestToken(account, request, { signal });
  const ca = Buffer.from(kubernetes.caPem).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'controllers',
    clusters: [{ name: 'sandbox', cluster: { server: kubernetes.url, 'certificate-authority-data': ca } }],
    contexts: [
      { name: 'controllers', context: { cluster: 'sandbox', user: 'millrace', namespace: account.namespace } },
    ],
    users: [{ name: 'millrace', user: { token } }],
  });
}
