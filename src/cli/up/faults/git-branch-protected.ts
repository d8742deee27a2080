import type { PracticeFault } from './fault.ts';

export const gitBranchProtected: PracticeFault = {
  code: 'git-branch-protected',
  broken: 'The git host takes no direct pushes to main.',
  inject: async ({ sandbox }) => sandbox.git.protect('refs/heads/main'),
};
