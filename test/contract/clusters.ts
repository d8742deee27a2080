import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubeClient, type KubeClientOptions } from '../../src/kube/api-client.ts';
import { loadKubeConfig, parseKubeConfig } from '../../src/kube/kubeconfig.ts';
import { startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';
import type { ContractCluster } from './kube.contract.ts';

type Contract = (name: string, open: () => Promise<ContractCluster>) => void;

/** Holds a contract against the embedded API and, where MILLRACE_TEST_KUBECONFIG names one, against a real cluster. */
export function againstClusters(contract: Contract, options: KubeClientOptions = {}): void {
  contract('embedded', async () => {
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
  if (real === undefined || real === '') return;
  contract(`real cluster of ${real}`, async () => {
    const client = createKubeClient(await loadKubeConfig({ path: real, env: process.env }), options);
    return { client, close: () => client.close() };
  });
}
