import { expect, test } from 'vitest';
import { openEmbeddedCluster } from '../../../test/support/embedded-cluster.ts';
import { leadServiceHere } from './service-endpoint.ts';

test('whoever leads last has the Service', async () => {
  const { client, namespace } = await openEmbeddedCluster();
  const { signal } = new AbortController();
  for (const address of ['10.0.0.4', '10.0.0.7']) {
    await leadServiceHere({ namespace, service: 'source-controller', address, port: 9090 }, client, signal);
  }
  const { items } = await client.list(
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
    { namespace, labelSelector: 'kubernetes.io/service-name=source-controller', signal },
  );
  expect(items).toMatchObject([
    {
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.7'], conditions: { ready: true } }],
      ports: [{ port: 9090 }],
    },
  ]);
});
