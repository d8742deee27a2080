import type { Rule } from '../rule.ts';

export const immutableField: Rule = {
  code: 'immutable-field',
  cause: 'A field has changed that Kubernetes does not let anybody update.',
  fix: 'Delete and recreate the object, or let it be recreated: label it kustomize.toolkit.fluxcd.io/force: enabled for the change.',
  commands: ['kubectl -n $FAILED_NS delete $FAILED'],
  says: [
    [/Forbidden: updates to \w+ are forbidden|pod updates may not change fields other than/i, 0.94],
    [/field is immutable|is immutable\b|immutable field/i, 0.95],
    [/cannot change roleRef/i, 0.96],
    [/updates to statefulset spec for fields other than/i, 0.96],
    [/may not (be )?change|can ?not be (unset|changed|updated)|may not be (unset|changed|updated)/i, 0.85],
    [/primary (clusterIP|ipFamily) can not be unset/i, 0.94],
    [/spec is immutable after creation/i, 0.95],
  ],
  examples: [{ symptom: 'Job.batch "x" is invalid: spec.template: Invalid value: field is immutable', found: true }],
};
