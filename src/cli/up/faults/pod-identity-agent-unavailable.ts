import type { PracticeFault } from './fault.ts';
import { objects, patch } from './places.ts';

export const podIdentityAgentUnavailable: PracticeFault = {
  code: 'pod-identity-agent-unavailable',
  broken: 'The pod is set up for EKS Pod Identity, and no agent answers on its node.',
  inject: (site) => patch(site, objects.scanner, { metadata: { annotations: { 'eks.amazonaws.com/role-arn': null } } }),
  controllers: {
    env: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:2/v1/credentials',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/dev/null',
    },
  },
};
