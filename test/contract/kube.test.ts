import { againstClusters } from './clusters.ts';
import { kubeContract } from './kube.contract.ts';

// Small pages, so that lists go over several.
againstClusters(kubeContract, { pageSize: 3 });
