import type { Rule } from '../rule.ts';

export const gitHostKeyMismatch: Rule = {
  code: 'git-host-key-mismatch',
  cause:
    'known_hosts holds another key than the host presents: the host has changed its key, or somebody else answers.',
  fix: "Compare the presented fingerprint with the vendor's published one, then replace the entry (Bitbucket changed its RSA key in 2023).",
  commands: [
    'ssh-keyscan -p $PORT $HOST | ssh-keygen -lf -',
    'kubectl -n $NS get secret $SECRET -o jsonpath="{.data.known_hosts}" | base64 -d | ssh-keygen -lf -',
  ],
  says: [
    [/knownhosts: key mismatch/i, 0.96],
    [/REMOTE HOST IDENTIFICATION HAS CHANGED/i, 0.96],
    [/host ?key (mismatch|has changed)|Offending \S+ key in/i, 0.93],
    [/hostkey could not be verified(?!:? ?knownhosts)/i, 0.7],
  ],
  examples: [{ symptom: 'ssh: handshake failed: knownhosts: key mismatch', found: true }],
};
