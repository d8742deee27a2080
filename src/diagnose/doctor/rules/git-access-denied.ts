import { texts } from '../facts.ts';
import type { Rule } from '../rule.ts';

export const gitAccessDenied: Rule = {
  code: 'git-access-denied',
  cause:
    'The git host knows the credentials, but they are not entitled to this repository (HTTP 403, or 404 for what they may not see).',
  fix: 'Give the token or user access to the repository, with write permission where commits are pushed; check the URL.',
  commands: ['git ls-remote $URL'],
  says: [
    [/lacks? (one or more )?required (privilege )?scopes/i, 0.92],
    [/fatal: repository '[^']+' not found/i, 0.88],
    [/\bTF401019\b|\bTF401027\b/, 0.92],
    [/authorization failed(?!:? no basic auth)/i, 0.88],
    [/repository not found/i, 0.88],
    [/You may not have access to this repository or it no longer exists/i, 0.93],
    [/The project you were looking for could not be found/i, 0.9],
    [/(info\/refs|git-upload-pack|git-receive-pack|\.git)(?![\s\S]*from proxy)[\s\S]*\b(403|404)\b/i, 0.8],
    [/Write access to repository not granted|Permission to \S+ denied to/i, 0.9],
    [/Resource not accessible by (personal access token|integration)/i, 0.9],
    [/insufficient[_ ](permission|scope)/i, 0.8],
    [
      /You are not allowed to (push|pull|download|upload)|repository does not exist\b|repository access denied(?!\. ?access via)|push would publish/i,
      0.88,
    ],
    [/refusing to allow (a|an) [\w ]+ to create or update workflow|without `?workflow`? scope/i, 0.93],
  ],
  shows: (facts) =>
    'git_token_permissions' in facts &&
    !texts(facts['git_token_permissions']).some((scope) => /write|admin|repo$|api/i.test(scope))
      ? `the token may only ${texts(facts['git_token_permissions']).join(', ')}`
      : undefined,
  examples: [
    { symptom: "unable to list remote for 'https://gitlab.example.com/g/x.git': authorization failed", found: true },
    { symptom: "unable to clone 'https://github.com/acme/fleet.git': repository not found", found: true },
  ],
};
