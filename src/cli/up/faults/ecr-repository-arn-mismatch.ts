import type { PracticeFault } from './fault.ts';
import { changePolicy } from './places.ts';

export const ecrRepositoryArnMismatch: PracticeFault = {
  code: 'ecr-repository-arn-mismatch',
  broken: 'The policy allows reading repository/apps/*; the image is in zenler/mainapp.',
  inject: (site) =>
    changePolicy(site, (statements) => {
      for (const statement of statements)
        if (statement.Sid === 'ECRRead') statement.Resource = ['arn:aws:ecr:eu-west-1:000000000000:repository/apps/*'];
    }),
};
