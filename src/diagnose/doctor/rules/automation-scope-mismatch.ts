import { nothingCommitted, policyHasMoved, scopeFault } from '../automation.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const automationScopeMismatch: Rule = {
  code: 'automation-scope-mismatch',
  cause: 'Markers exist, but outside what the automation sees: its namespace, its policySelector or its update path.',
  fix: "Move the automation into the policies' namespace, or mend spec.policySelector and spec.update.path.",
  commands: ['kubectl -n $NS get imageupdateautomation $NAME -o yaml', 'millrace lint markers .'],
  says: [
    [/walking path for files|update path[^.]*(does not exist|not found|no such file)/i, 0.94],
    [nothingCommitted, 0],
  ],
  weigh,
  shows: (facts) => (policyHasMoved(facts) ? scopeFault(facts) : undefined),
  examples: [
    {
      symptom: 'failed to apply policies: walking path for files: lstat /tmp/x/clusters/prd: no such file or directory',
      found: true,
    },
    {
      symptom: 'repository up-to-date',
      facts: { automation_namespace: 'apps', policy_namespaces: ['flux-system'], markers_found: 1 },
      found: true,
    },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  const fault = scopeFault(facts);
  return fault === undefined ? because(confidence) : because(0.95, fault);
}
