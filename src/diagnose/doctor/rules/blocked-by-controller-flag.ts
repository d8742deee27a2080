import type { Rule } from '../rule.ts';

export const blockedByControllerFlag: Rule = {
  code: 'blocked-by-controller-flag',
  cause: 'A flag or feature gate of the controller forbids what the object asks for.',
  fix: 'Turn the gate on, or stay within what the flag allows (objects of one namespace, the default ServiceAccount).',
  commands: ['kubectl -n $SA_NS get deployment $CONTROLLER -o jsonpath="{.spec.template.spec.containers[0].args}"'],
  says: [
    [/cross-namespace references have been blocked/i, 0.96],
    [/please enable the \w+ feature gate|feature gate is (not enabled|disabled)|\bFeatureGateDisabled\b/i, 0.95],
    [/multi-?tenant (workload identity )?lockdown/i, 0.95],
    [/remote bases? (are|is|have been) (not allowed|disabled|blocked)|without remote bases/i, 0.85],
    [/missing ACL labels on 'accessFrom'|ACL labels mismatch/i, 0.8],
  ],
  examples: [
    { symptom: "can't access 'GitRepository/a/b', cross-namespace references have been blocked", found: true },
  ],
};
