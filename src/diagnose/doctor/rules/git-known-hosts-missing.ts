import { text, texts } from '../facts.ts';
import type { Rule } from '../rule.ts';

export const gitKnownHostsMissing: Rule = {
  code: 'git-known-hosts-missing',
  cause: "known_hosts of the Secret has no entry for the git host (a port other than 22 needs '[host]:port').",
  fix: "Add the host's published key to known_hosts; compare its fingerprint with the vendor's page.",
  commands: ['ssh-keyscan -p $PORT $HOST'],
  says: [
    [/knownhosts: key is unknown/i, 0.96],
    [/'known_hosts' is required/i, 0.95],
    [
      /No \S+ host key is known for|no (host )?key (is )?known for host|authenticity of host '[^']*' can't be established/i,
      0.95,
    ],
    [/Host key verification failed/i, 0.6],
  ],
  shows: (facts) => {
    const host = /^ssh:\/\/(?:[^@/]+@)?([^:/]+)/.exec(text(facts, 'git_url') ?? '')?.[1];
    if (host === undefined || !Array.isArray(facts['known_hosts'])) return undefined;
    return texts(facts['known_hosts']).some((entry) => entry.includes(host)) ? undefined : `no entry for ${host}`;
  },
  examples: [{ symptom: 'ssh: handshake failed: knownhosts: key is unknown', found: true }],
};
