import type { PracticeFault } from './fault.ts';
import { changeTrust } from './places.ts';

export const trustPolicySubMismatch: PracticeFault = {
  code: 'trust-policy-sub-mismatch',
  broken: 'The trust policy names the ServiceAccount image-automation-controller, not image-reflector-controller.',
  inject: (site) => changeTrust(site, ':image-reflector-controller', ':image-automation-controller'),
};
