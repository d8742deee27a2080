import { text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const codecommitMisconfigured: Rule = {
  code: 'codecommit-misconfigured',
  cause: "CodeCommit's URL, user or key is not in the form it wants.",
  fix: 'With provider aws use https://git-codecommit.<region>.amazonaws.com/v1/repos/<name>; over SSH the user is the id of the IAM key.',
  commands: ['aws codecommit get-repository --repository-name $GIT_REPOSITORY --query repositoryMetadata.cloneUrlHttp'],
  says: [
    [
      /git-codecommit[\s\S]*(\b40[0134]\b|authorization failed|authentication required|repository not found|reference \w+ not found|' not found)/i,
      0.92,
    ],
    [/\bCodeCommit\b/, 0.94],
    [/git-codecommit[\s\S]*(handshake failed|unable to authenticate|publickey)/i, 0.93],
    [/handshake failed|unable to authenticate|\b403\b|authorization failed/i, 0],
  ],
  weigh,
  examples: [
    { symptom: 'AWS CodeCommit authentication requires an HTTPS Git URL', found: true },
    {
      symptom: 'ssh: handshake failed',
      facts: { git_url: 'ssh://git-codecommit.eu-west-1.amazonaws.com/x' },
      found: true,
    },
  ],
};

function weigh(confidence: number, { facts, symptom }: Report) {
  if (confidence > 0) return because(confidence);
  const isSsh = /^ssh:.*codecommit/.test(text(facts, 'git_url') ?? '') && /handshake|authenticate/i.test(symptom);
  return isSsh ? because(0.93, 'the URL is of CodeCommit') : because(0);
}
