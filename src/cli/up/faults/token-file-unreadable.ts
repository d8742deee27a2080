import type { PracticeFault } from './fault.ts';
import { objects, patch } from './places.ts';

const folder = '/var/run/secrets/eks.amazonaws.com/serviceaccount';

export const tokenFileUnreadable: PracticeFault = {
  code: 'token-file-unreadable',
  broken:
    'Somebody has written AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE into the Deployment by hand; no token is mounted there.',
  inject: (site) => patch(site, objects.scanner, { metadata: { annotations: { 'eks.amazonaws.com/role-arn': null } } }),
  controllers: {
    env: {
      AWS_ROLE_ARN: 'arn:aws:iam::000000000000:role/millrace-sandbox-image-reflector',
      AWS_WEB_IDENTITY_TOKEN_FILE: `${folder}/token`,
    },
  },
};
