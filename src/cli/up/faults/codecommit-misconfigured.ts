import type { PracticeFault } from './fault.ts';
import { objects, patch } from './places.ts';

const url = 'https://codecommit.eu-west-1.amazonaws.com/v1/repos/fleet';

export const codecommitMisconfigured: PracticeFault = {
  code: 'codecommit-misconfigured',
  broken:
    'The GitRepository has provider: aws and the address https://codecommit…, where CodeCommit is at git-codecommit….',
  inject: (site) => patch(site, objects.gitRepository, { spec: { provider: 'aws', url, secretRef: null } }),
};
