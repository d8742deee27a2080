import type { PracticeFault } from './fault.ts';

export const rateLimited: PracticeFault = {
  code: 'rate-limited',
  broken: 'The account has used up its calls of ecr:ListImages.',
  inject: async ({ sandbox }) => sandbox.aws.setRateLimit('ecr:ListImages', 0),
};
