// The embedded API by itself, with the CRDs and a namespace `bench`, so that its cost is not counted as ours. Prints a kubeconfig.
import { crds } from '../../src/api/crds.ts';
import { createKubeClient } from '../../src/kube/api-client.ts';
import { parseKubeConfig } from '../../src/kube/kubeconfig.ts';
import { startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';

const { signal } = new AbortController();
const kubernetes = await startKubernetes({ dataDir: process.argv[2] ?? '', controllers: false });
const client = createKubeClient(await parseKubeConfig(kubernetes.kubeconfig(), { where: 'bench' }));
for (const crd of crds()) await client.create(crd, { signal });
await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } }, { signal });
console.log(JSON.stringify(kubernetes.kubeconfig()));
