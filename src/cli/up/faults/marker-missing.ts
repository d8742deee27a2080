import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const markerMissing: PracticeFault = {
  code: 'marker-missing',
  broken: 'The line of the Deployment with the image has lost its $imagepolicy marker.',
  files: (files) => inFile(files, fleetPaths.deployment, / # \{"\$imagepolicy.*/, ''),
};
