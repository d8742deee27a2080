import type { PracticeFault } from './fault.ts';
import { base64, create, fleetPaths, inFile } from './places.ts';

const secret = 'ecr-login';

export const ecrTokenExpired: PracticeFault = {
  code: 'ecr-token-expired',
  broken: 'The ImageRepository logs in with a password of ECR that somebody stored in a Secret yesterday.',
  files: (files) => inFile(files, fleetPaths.images, '  provider: aws\n', `  secretRef:\n    name: ${secret}\n`),
  inject: (site) => {
    const { aws, access } = site.sandbox;
    const auths = { [access.registry.host]: { username: 'AWS', password: aws.expiredRegistryPassword() } };
    return create(site, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secret, namespace: 'flux-system' },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) },
    });
  },
};
