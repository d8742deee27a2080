import type { PracticeFault } from './fault.ts';
import { objects, patch } from './places.ts';

export const egressBlocked: PracticeFault = {
  code: 'egress-blocked',
  broken: 'The GitRepository is at a host whose name nobody resolves.',
  inject: (site) => patch(site, objects.gitRepository, { spec: { url: 'http://git.internal.invalid/fleet.git' } }),
};
