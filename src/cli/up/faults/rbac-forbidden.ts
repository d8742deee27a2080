import type { PracticeFault } from './fault.ts';
import { create, inAppsSpec } from './places.ts';

export const rbacForbidden: PracticeFault = {
  code: 'rbac-forbidden',
  broken: 'The Kustomization applies as the ServiceAccount deployer, which may do nothing.',
  files: (files) => inAppsSpec(files, '  serviceAccountName: deployer\n'),
  inject: (site) =>
    create(site, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'deployer', namespace: 'flux-system' },
    }),
};
