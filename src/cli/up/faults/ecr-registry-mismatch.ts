import type { PracticeFault } from './fault.ts';
import { changePolicy, fleetPaths, inFile } from './places.ts';

export const ecrRegistryMismatch: PracticeFault = {
  code: 'ecr-registry-mismatch',
  broken: 'The ImageRepository names zenler/main-app; the repository in ECR is zenler/mainapp.',
  files: (files) => inFile(files, fleetPaths.images, 'zenler/mainapp', 'zenler/main-app'),
  // The misspelt name is allowed to be read, so that ECR says what is wrong with it.
  inject: (site) =>
    changePolicy(site, (statements) => {
      for (const statement of statements)
        if (statement.Sid === 'ECRRead') statement.Resource = 'arn:aws:ecr:eu-west-1:000000000000:repository/zenler/*';
    }),
};
