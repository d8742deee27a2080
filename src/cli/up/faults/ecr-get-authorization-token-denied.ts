import type { PracticeFault } from './fault.ts';
import { changePolicy } from './places.ts';

export const ecrGetAuthorizationTokenDenied: PracticeFault = {
  code: 'ecr-get-authorization-token-denied',
  broken: 'ecr:GetAuthorizationToken is allowed on a repository, where it only works on *.',
  inject: (site) =>
    changePolicy(site, (statements) => {
      for (const statement of statements)
        if (statement.Sid === 'ECRAuthToken') statement.Resource = 'arn:aws:ecr:eu-west-1:000000000000:repository/*';
    }),
};
