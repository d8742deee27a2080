import type { Rule } from '../rule.ts';

export const gitDeployKeyReadOnly: Rule = {
  code: 'git-deploy-key-read-only',
  cause: 'The key or token may read the repository but not write to it.',
  fix: 'Use a key or token with write access for the automation; access keys of Bitbucket Cloud can never write.',
  commands: ['kubectl -n $NS get secret $SECRET -o jsonpath="{.data.identity\\.pub}" | base64 -d'],
  says: [
    // All that go-git keeps of what Bitbucket and GitLab answer to a push over SSH with such a key.
    [/unknown error: (Unauthorized|remote:)\s*"?\s*$/i, 0.6],
    [/marked as read[- ]only/i, 0.96],
    [/deploy(ment)? key is read[- ]only|access via a deployment key is read-only/i, 0.96],
    [/\bkey is read[- ]only\b/i, 0.94],
    [/does not have write access|(key|token) (has|with) read[- ]only access/i, 0.92],
    [/This deploy key does not have write access/i, 0.96],
  ],
  examples: [{ symptom: 'ERROR: The key you are authenticating with has been marked as read only.', found: true }],
};
