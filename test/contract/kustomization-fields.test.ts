import { againstClusters } from './clusters.ts';
import { kustomizationFieldsContract } from './kustomization-fields.contract.ts';

againstClusters(kustomizationFieldsContract);
