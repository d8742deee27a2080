import type { PracticeFault } from './fault.ts';
import { objects, patch } from './places.ts';

export const irsaAnnotationMissing: PracticeFault = {
  code: 'irsa-annotation-missing',
  broken: 'The ServiceAccount image-reflector-controller has lost its annotation eks.amazonaws.com/role-arn.',
  inject: (site) => patch(site, objects.scanner, { metadata: { annotations: { 'eks.amazonaws.com/role-arn': null } } }),
};
