import type { PracticeFault } from './fault.ts';
import { objects, patch } from './places.ts';

export const imdsHopLimit: PracticeFault = {
  code: 'imds-hop-limit',
  broken:
    "The controllers are to use the node's role (no role of their own, --allow-node-role), and instance metadata does not answer them.",
  inject: (site) => patch(site, objects.scanner, { metadata: { annotations: { 'eks.amazonaws.com/role-arn': null } } }),
  controllers: {
    args: ['--allow-node-role'],
    env: { AWS_EC2_METADATA_DISABLED: undefined, AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9' },
  },
};
