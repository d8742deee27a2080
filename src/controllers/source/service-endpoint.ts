import { isIPv6 } from 'node:net';
import type { KubeClient } from '../../kube/client.ts';

export interface ServiceEndpoint {
  namespace: string;
  /** A Service without a selector. */
  service: string;
  /** Address of this pod. */
  address: string;
  port: number;
}

/**
 * Leads a Service to this process. Only the process that leads serves artifacts; those that wait to lead are ready too, and a
 * selector would send requests to them. Whoever leads next takes the slice over.
 */
export async function leadServiceHere(
  { namespace, service, address, port }: ServiceEndpoint,
  client: KubeClient,
  signal: AbortSignal,
): Promise<void> {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${service}-leader`,
      namespace,
      labels: {
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'millrace',
      },
    },
    addressType: isIPv6(address) ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'http', port, protocol: 'TCP' }],
  };
  await client.apply(slice, { fieldManager: 'millrace', force: true, signal });
}
