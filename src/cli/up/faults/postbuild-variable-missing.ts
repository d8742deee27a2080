import type { PracticeFault } from './fault.ts';
import { inAppsSpec } from './places.ts';

export const postbuildVariableMissing: PracticeFault = {
  code: 'postbuild-variable-missing',
  broken: 'The Kustomization substitutes from the ConfigMap cluster-settings, which does not exist.',
  files: (files) =>
    inAppsSpec(files, '  postBuild:\n    substituteFrom:\n      - kind: ConfigMap\n        name: cluster-settings\n'),
};
