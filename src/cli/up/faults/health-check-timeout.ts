import type { PracticeFault } from './fault.ts';
import { fleetPaths, inAppsSpec, inFile } from './places.ts';

export const healthCheckTimeout: PracticeFault = {
  code: 'health-check-timeout',
  broken: 'The Kustomization waits for the Deployment mainapp-worker, which nobody makes.',
  files: (files) =>
    inAppsSpec(
      inFile(files, fleetPaths.apps, '  wait: true\n  timeout: 2m0s\n', '  timeout: 2s\n'),
      '  healthChecks:\n    - apiVersion: apps/v1\n      kind: Deployment\n      name: mainapp-worker\n      namespace: apps\n',
    ),
};
