import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const kustomizePathMissing: PracticeFault = {
  code: 'kustomize-path-missing',
  broken: 'The Kustomization builds ./apps/main-app; the folder is ./apps/mainapp.',
  files: (files) => inFile(files, fleetPaths.apps, './apps/mainapp', './apps/main-app'),
};
