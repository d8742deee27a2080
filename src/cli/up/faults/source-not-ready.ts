import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const sourceNotReady: PracticeFault = {
  code: 'source-not-ready',
  broken:
    'The Kustomization takes its files from a GitRepository called fleet; the one there is is called flux-system.',
  files: (files) => inFile(files, fleetPaths.apps, /name: flux-system\n$/, 'name: fleet\n'),
};
