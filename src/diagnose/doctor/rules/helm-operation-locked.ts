import type { Rule } from '../rule.ts';

export const helmOperationLocked: Rule = {
  code: 'helm-operation-locked',
  cause: 'An interrupted operation left the Helm release pending, and Helm refuses to touch it.',
  fix: 'Roll the release back to its last good revision, then reconcile again.',
  commands: ['helm -n $NS history $RELEASE', 'helm -n $NS rollback $RELEASE'],
  says: [[/another operation \(install\/upgrade\/rollback\) is in progress/i, 0.97]],
  examples: [{ symptom: 'another operation (install/upgrade/rollback) is in progress', found: true }],
};
