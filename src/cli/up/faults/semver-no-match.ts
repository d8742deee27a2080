import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const semverNoMatch: PracticeFault = {
  code: 'semver-no-match',
  broken: 'The ImagePolicy wants versions from 2.0.0.',
  files: (files) => inFile(files, fleetPaths.images, '>=1.0.0', '>=2.0.0'),
};
