import { text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';
import { httpStatus } from '../signs.ts';

export const gitAuthAppPasswordRemoved: Rule = {
  code: 'git-auth-app-password-removed',
  cause:
    'The git host no longer accepts this kind of password: Bitbucket app passwords ended on 28 July 2026, account passwords before.',
  fix: 'For Bitbucket use an API token (user x-bitbucket-api-token-auth) or a repository access token (user x-token-auth); elsewhere an access token.',
  commands: [
    'kubectl -n $NS create secret generic $SECRET --from-literal=username=x-token-auth --from-literal=password=$TOKEN --dry-run=client -o yaml | kubectl apply -f -',
  ],
  says: [
    [/stopped supporting account passwords/i, 0.95],
    [/password authentication was removed|no longer (supports?|accepts?|allows?) (account |app )?passwords/i, 0.96],
    [
      /app passwords? (are|is|have been|has been|will|can|must|were) (\w+ ){0,2}(deprecated|removed|longer|disabled|retired)/i,
      0.95,
    ],
    [new RegExp(`bitbucket\\.org[\\s\\S]*(${httpStatus(410)})`, 'i'), 0.95],
    [new RegExp(httpStatus(410), 'i'), 0.7],
    [/authentication (required|failed)|\b401\b|may not have access to this repository|authorization failed/i, 0],
  ],
  weigh,
  shows: (facts) =>
    /bitbucket\.org/.test(text(facts, 'git_url') ?? '') && text(facts, 'git_secret_password_prefix')?.startsWith('ATBB')
      ? 'the password begins with ATBB, as app passwords do'
      : undefined,
  examples: [
    { symptom: 'requesting "https://bitbucket.org/a/b.git/info/refs" status code: 410', found: true },
    {
      symptom: 'authentication required',
      facts: { git_url: 'https://bitbucket.org/a/b.git', git_secret_password_prefix: 'ATBB' },
      found: true,
    },
    { symptom: 'authentication required', facts: { git_url: 'https://github.com/a/b.git' }, found: false },
  ],
};

function weigh(confidence: number, { facts, symptom }: Report) {
  const isBitbucket = /bitbucket\.org/.test(`${text(facts, 'git_url') ?? ''} ${symptom}`);
  if (isBitbucket && text(facts, 'git_secret_password_prefix')?.startsWith('ATBB')) {
    return because(0.96, 'the password begins with ATBB, as app passwords do');
  }
  return because(confidence);
}
