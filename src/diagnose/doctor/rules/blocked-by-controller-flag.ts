import { texts } from '../facts.ts';
import type { Rule } from '../rule.ts';

export const blockedByControllerFlag: Rule = {
  code: 'blocked-by-controller-flag',
  cause: 'A flag or feature gate of the controller forbids what the object asks for.',
  fix: 'Turn the gate on, or stay within what the flag allows (objects of one namespace, the default ServiceAccount).',
  commands: ['kubectl -n $SA_NS get deployment $CONTROLLER -o jsonpath="{.spec.template.spec.containers[0].args}"'],
  says: [
    [/cross-namespace references (have been|are) (blocked|disabled|not allowed)/i, 0.96],
    [/please enable the \w+ feature gate|feature gate( \w+)? is (not enabled|disabled)|\bFeatureGateDisabled\b/i, 0.95],
    [/multi-?tenant (workload identity )?lockdown/i, 0.95],
    [
      /remote (bases?|resources?) (are|is|have been) (not allowed|disabled|blocked)|without remote bases|--no-remote-bases/i,
      0.9,
    ],
    [/insecure (plain )?HTTP[^.]*(not allowed|blocked|disabled)|--insecure-allow-http/i, 0.93],
    [/missing ACL labels on 'accessFrom'|ACL labels mismatch/i, 0.8],
  ],
  shows: (facts) => {
    const flag = texts(facts['controller_args']).find((argument) =>
      /^--(no-|default-service-account|insecure-allow)/.test(argument),
    );
    return flag === undefined ? undefined : `the controller runs with ${flag}`;
  },
  examples: [
    { symptom: "can't access 'GitRepository/a/b', cross-namespace references have been blocked", found: true },
  ],
};
