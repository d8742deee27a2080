import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const namespaceMissing: PracticeFault = {
  code: 'namespace-missing',
  broken: 'The namespace of the application is no longer made by its kustomization.',
  files: (files) => inFile(files, fleetPaths.kustomization, '  - namespace.yaml\n', ''),
};
