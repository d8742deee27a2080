import { type AddressInfo, createServer } from 'node:net';
import { listAt } from '../../../base/json.ts';
import type { KubeClient } from '../../../kube/client.ts';

const flag = '--storage-addr=127.0.0.1:';

/**
 * Where artifacts are served. In a cluster a Service keeps the address whoever serves; here it is the port that the Deployment of an
 * earlier start has, as long as nobody else took it: otherwise the others would ask where the artifacts were before.
 */
export async function storageArgument(kube: KubeClient, namespace: string, signal: AbortSignal): Promise<string> {
  const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'source-controller' };
  const before = await kube.get(ref, { signal });
  const [container] = listAt(before, 'spec', 'template', 'spec', 'containers');
  const kept = listAt(container, 'args').find((arg): arg is string => String(arg).startsWith(flag));
  if (kept !== undefined && (await freePort(Number(kept.slice(flag.length)))) !== undefined) return kept;
  return `${flag}${await freePort(0)}`;
}

/** The port, any for 0, where nobody listens on it now. */
function freePort(wanted: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
