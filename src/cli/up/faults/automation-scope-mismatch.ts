import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const automationScopeMismatch: PracticeFault = {
  code: 'automation-scope-mismatch',
  broken: 'The ImageUpdateAutomation looks below ./clusters; the marker is in ./apps.',
  files: (files) => inFile(files, fleetPaths.images, 'path: ./apps', 'path: ./clusters'),
};
