import type { Rule } from '../rule.ts';

export const gitPushNonFastForward: Rule = {
  code: 'git-push-non-fast-forward',
  cause: 'The remote branch has moved or diverged since it was fetched.',
  fix: 'Nothing, where it happens now and then: the next run starts from the new head. A stale push branch has to be merged or deleted.',
  commands: ['git ls-remote --heads $URL'],
  says: [
    [/cannot push non-?fast-?forwardable reference/i, 0.95],
    [/\(stale info\)|remote contains work that you do not have/i, 0.93],
    [/non-?fast-?forward/i, 0.95],
    [/push[^.]*: object not found/i, 0.6],
    [/contains commits that are not present locally|stale info|old value mismatch/i, 0.93],
    [/Updates were rejected because|\(fetch first\)/i, 0.93],
    [/cannot lock ref|reference already exists|incorrect old value|failed to update ref/i, 0.85],
  ],
  examples: [{ symptom: 'failed to push to remote: non-fast-forward update: refs/heads/main', found: true }],
};
