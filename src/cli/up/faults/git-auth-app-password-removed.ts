import type { PracticeFault } from './fault.ts';

export const gitAuthAppPasswordRemoved: PracticeFault = {
  code: 'git-auth-app-password-removed',
  broken:
    'The git host has retired passwords: it answers 410 to every request with one, as Bitbucket does to app passwords.',
  inject: async ({ sandbox }) => sandbox.git.retirePasswords(),
};
