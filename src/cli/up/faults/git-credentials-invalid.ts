import type { PracticeFault } from './fault.ts';
import { base64, objects, patch } from './places.ts';

export const gitCredentialsInvalid: PracticeFault = {
  code: 'git-credentials-invalid',
  broken: 'The Secret with the git credential holds a password that is not the right one.',
  inject: (site) => patch(site, objects.gitSecret, { data: { password: base64('expired') } }),
};
