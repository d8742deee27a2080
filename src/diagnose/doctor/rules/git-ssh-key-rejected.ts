import { text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const gitSshKeyRejected: Rule = {
  code: 'git-ssh-key-rejected',
  cause: 'The SSH key is not registered with the git host or the repository.',
  fix: 'Add the public key of the Secret as an access or deploy key of the repository.',
  commands: ['kubectl -n $NS get secret $SECRET -o jsonpath="{.data.identity\\.pub}" | base64 -d'],
  says: [
    [/attempted methods \[none publickey\]/i, 0.92],
    [/Permission denied \([^)]*publickey[^)]*\)/i, 0.93],
    [/unable to authenticate[^.]*no supported methods remain/i, 0.9],
    [/Could not read from remote repository/i, 0.4],
    [
      /Too many authentication failures|failed to authenticate SSH session|RSA key with SHA-1|no mutual signature algorithm/i,
      0.88,
    ],
  ],
  weigh,
  examples: [
    {
      symptom: 'ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain',
      found: true,
    },
  ],
};

function weigh(confidence: number, { symptom, facts }: Report) {
  return because(/codecommit/i.test(`${symptom} ${text(facts, 'git_url') ?? ''}`) ? 0.6 : confidence);
}
