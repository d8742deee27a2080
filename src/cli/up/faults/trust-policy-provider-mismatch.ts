import type { PracticeFault } from './fault.ts';
import { changeTrust } from './places.ts';

export const trustPolicyProviderMismatch: PracticeFault = {
  code: 'trust-policy-provider-mismatch',
  broken: 'The trust policy names the OIDC provider of a cluster that was here before.',
  inject: (site) =>
    changeTrust(site, site.model.provider.arn, site.model.provider.arn.replace(/oidc-provider.*/, formerProvider)),
};

const formerProvider = 'oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF';
