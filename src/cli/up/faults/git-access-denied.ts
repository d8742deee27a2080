import type { PracticeFault } from './fault.ts';
import { base64, objects, patch } from './places.ts';

export const gitAccessDenied: PracticeFault = {
  code: 'git-access-denied',
  broken: 'The git credential is that of a user who may read and not push.',
  inject: (site) => {
    const { username, password } = site.sandbox.access.git.reader;
    return patch(site, objects.gitSecret, { data: { username: base64(username), password: base64(password) } });
  },
};
