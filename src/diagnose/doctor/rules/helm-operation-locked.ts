import { text } from '../facts.ts';
import type { Rule } from '../rule.ts';

export const helmOperationLocked: Rule = {
  code: 'helm-operation-locked',
  cause: 'An interrupted operation left the Helm release pending, and Helm refuses to touch it.',
  fix: 'Roll the release back to its last good revision, then reconcile again.',
  commands: ['helm -n $RELEASE_NS history $RELEASE', 'helm -n $RELEASE_NS rollback $RELEASE'],
  says: [
    [/\bpending-(install|upgrade|rollback)\b/, 0.9],
    [/another operation \(install\/upgrade\/rollback\) is in progress/i, 0.97],
  ],
  shows: (facts) =>
    text(facts, 'release_status')?.startsWith('pending-')
      ? `the release is ${text(facts, 'release_status')}`
      : undefined,
  examples: [{ symptom: 'another operation (install/upgrade/rollback) is in progress', found: true }],
};
