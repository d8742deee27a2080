import { againstClusters } from './clusters.ts';
import { kustomizationContract } from './kustomization.contract.ts';

againstClusters(kustomizationContract);
