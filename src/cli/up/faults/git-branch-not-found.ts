import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const gitBranchNotFound: PracticeFault = {
  code: 'git-branch-not-found',
  broken: 'The GitRepository follows the branch release, which does not exist.',
  files: (files) => inFile(files, fleetPaths.sync, 'branch: main', 'branch: release'),
};
