import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const kustomizeResourceMissing: PracticeFault = {
  code: 'kustomize-resource-missing',
  broken: 'kustomization.yaml lists ingress.yaml, which nobody has committed.',
  files: (files) => inFile(files, fleetPaths.kustomization, 'resources:\n', 'resources:\n  - ingress.yaml\n'),
};
