import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const imageProviderNotAws: PracticeFault = {
  code: 'image-provider-not-aws',
  broken: 'The ImageRepository has no provider: aws, so the registry is asked without a login.',
  files: (files) => inFile(files, fleetPaths.images, '  provider: aws\n', ''),
};
