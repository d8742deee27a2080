import type { Rule } from '../rule.ts';

export const quotaExceeded: Rule = {
  code: 'quota-exceeded',
  cause: 'A ResourceQuota or LimitRange of the namespace forbids the object.',
  fix: 'Set requests and limits, free resources, or raise the quota.',
  commands: ['kubectl -n $FAILED_NS describe resourcequota,limitrange'],
  says: [
    [/exceeded quota/i, 0.96],
    [/failed quota|status unknown for quota/i, 0.96],
    [/insufficient quota/i, 0.93],
    [/(maximum|minimum) (cpu|memory) usage per (Container|Pod) is/i, 0.9],
  ],
  examples: [{ symptom: 'pods "x" is forbidden: exceeded quota: medium, requested: limits.cpu=500m', found: true }],
};
