import type { Rule } from '../rule.ts';

export const namespaceMissing: Rule = {
  code: 'namespace-missing',
  cause: 'The namespace of the object does not exist, or the object names none.',
  fix: 'Create the namespace in the same Kustomization or in one this depends on; set spec.targetNamespace where objects name none.',
  commands: ['kubectl create namespace $MISSING_NS'],
  says: [
    [/namespaces? "[^"]+" not found/i, 0.95],
    [/namespace not specified|an empty namespace may not be set/i, 0.94],
    [/create namespace[^.]*not found/i, 0.7],
    [/namespace of the (provided )?object does not match/i, 0.85],
  ],
  examples: [{ symptom: 'Deployment/apps/api not found: namespaces "apps" not found', found: true }],
};
