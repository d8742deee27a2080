import type { PracticeFault } from './fault.ts';
import { objects, patch } from './places.ts';

export const irsaRoleArnInvalid: PracticeFault = {
  code: 'irsa-role-arn-invalid',
  broken: "The annotation eks.amazonaws.com/role-arn holds the role's name in the place of its ARN.",
  inject: (site) =>
    patch(site, objects.scanner, { metadata: { annotations: { 'eks.amazonaws.com/role-arn': site.model.role.name } } }),
};
