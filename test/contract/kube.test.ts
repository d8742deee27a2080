import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubeClient } from '../../src/kube/api-client.ts';
import { loadKubeConfig, parseKubeConfig } from '../../src/kube/kubeconfig.ts';
import { startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';
import { kubeContract } from './kube.contract.ts';

// Small pages, so that lists go over several.
const options = { pageSize: 3 };

kubeContract('embedded', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-contract-'));
  const kubernetes = await startKubernetes({ dataDir: dir });
  const client = createKubeClient(await parseKubeConfig(kubernetes.kubeconfig(), { where: 'sandbox' }), options);
  return {
    client,
    async close() {
      await client.close();
      await kubernetes.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
});

const real = process.env['MILLRACE_TEST_KUBECONFIG'];
if (real !== undefined && real !== '') {
  kubeContract(`real cluster of ${real}`, async () => {
    const client = createKubeClient(await loadKubeConfig({ path: real, env: process.env }), options);
    return { client, close: () => client.close() };
  });
}
