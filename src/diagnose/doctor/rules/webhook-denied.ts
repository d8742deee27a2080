import type { Rule } from '../rule.ts';

export const webhookDenied: Rule = {
  code: 'webhook-denied',
  cause: 'An admission webhook answered and refused the object.',
  fix: 'Mend the object as the message says, or exempt it in the policy. A webhook with side effects refuses dry runs: set sideEffects: None.',
  commands: ['kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations'],
  says: [
    [/admission webhook "[^"]+" denied the request/i, 0.96],
    [/does not support dry run/i, 0.95],
    [/ValidatingAdmissionPolicy '[^']+'[\s\S]*denied/i, 0.94],
    [/violates PodSecurity|unable to validate against any (security context constraint|pod security policy)/i, 0.85],
  ],
  examples: [{ symptom: 'admission webhook "validation.gatekeeper.sh" denied the request: no owner', found: true }],
};
