import type { Rule } from '../rule.ts';

export const gitBranchProtected: Rule = {
  code: 'git-branch-protected',
  cause: 'The git host refuses direct pushes to the branch.',
  fix: 'Let the automation push to a branch of its own (spec.git.push.branch) and open a pull request, or exempt its user.',
  commands: [
    'kubectl -n $NS patch imageupdateautomation $NAME --type merge -p \'{"spec":{"git":{"push":{"branch":"image-updates"}}}}\'',
  ],
  says: [
    [
      /\bTF402455\b|can only be modified through pull requests|Changes must be made through a (pull|merge) request/i,
      0.95,
    ],
    [/hook declined|push declined due to/i, 0.92],
    [
      /cannot force-push|commits? must (be signed|have verified signatures)|required status check|push (restrictions|rules?) (prevent|reject)|pushes to this branch/i,
      0.9,
    ],
    [/GH006|protected branch/i, 0.95],
    [/repository rule violations|GH013/i, 0.95],
    [/not allowed to push code to protected branches/i, 0.96],
    [/branch restrictions?[^.]*(prevent|not allowed|denied)|permission denied to update branch/i, 0.93],
  ],
  examples: [{ symptom: 'command error on refs/heads/main: protected branch hook declined', found: true }],
};
