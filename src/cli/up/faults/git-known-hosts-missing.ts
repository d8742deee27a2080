import type { PracticeFault } from './fault.ts';
import { base64, objects, patch } from './places.ts';

export const gitKnownHostsMissing: PracticeFault = {
  code: 'git-known-hosts-missing',
  broken: 'The GitRepository is reached over SSH, and its Secret has a key, but no known_hosts.',
  inject: async (site) => {
    await patch(site, objects.gitRepository, { spec: { url: 'ssh://git@git.example.com/fleet.git' } });
    await patch(site, objects.gitSecret, { data: { identity: base64(key), username: null, password: null } });
  },
};

/** Only its being there matters: nobody is connected to without knowing the host. */
const key = '-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n';
