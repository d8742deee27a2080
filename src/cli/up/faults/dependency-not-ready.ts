import type { PracticeFault } from './fault.ts';
import { inAppsSpec } from './places.ts';

export const dependencyNotReady: PracticeFault = {
  code: 'dependency-not-ready',
  broken: 'The Kustomization depends on one called infrastructure, which does not exist.',
  files: (files) => inAppsSpec(files, '  dependsOn:\n    - name: infrastructure\n'),
};
