import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const blockedByControllerFlag: PracticeFault = {
  code: 'blocked-by-controller-flag',
  broken: 'The ImagePolicy refers to an ImageRepository of another namespace, which --no-cross-namespace-refs forbids.',
  files: (files) =>
    inFile(
      files,
      fleetPaths.images,
      '  imageRepositoryRef:\n',
      '  imageRepositoryRef:\n    namespace: shared-images\n',
    ),
  controllers: { args: ['--no-cross-namespace-refs'] },
};
