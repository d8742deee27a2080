import { dump } from 'js-yaml';

/** A kubeconfig with one cluster, user and context, all of this name. */
export function kubeconfigText(name: string, server: string, caPem: string, token: string): string {
  return dump({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}
