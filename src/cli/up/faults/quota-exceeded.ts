import { fleetNames } from '../fleet.ts';
import type { PracticeFault } from './fault.ts';
import { create } from './places.ts';

export const quotaExceeded: PracticeFault = {
  code: 'quota-exceeded',
  broken: 'A ResourceQuota of the namespace apps allows one pod, the Deployment wants two.',
  inject: async (site) => {
    const namespace = fleetNames.appNamespace;
    await create(
      site,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'team', namespace },
        spec: { hard: { pods: '1' } },
      },
    );
  },
};
