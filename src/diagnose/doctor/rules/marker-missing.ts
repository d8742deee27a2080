import { markerDiff, markerFault, nothingCommitted, policyHasMoved, scopeFault } from '../automation.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const markerMissing: Rule = {
  code: 'marker-missing',
  cause: 'The policy has moved, but no line below the update path carries a marker that names it.',
  fix: 'Put # {"$imagepolicy": "<namespace>:<policy>"} behind the image of the manifest.',
  commands: ['millrace lint markers .'],
  diff: ({ facts }) => markerDiff(facts),
  says: [[nothingCommitted, 0]],
  weigh,
  shows: (facts) => (policyHasMoved(facts) && scopeFault(facts) === undefined ? markerFault(facts) : undefined),
  examples: [
    {
      symptom: 'repository up-to-date',
      facts: { policy_latest: '1.1.0', manifest_image_tag: '1.0.0', markers_found: 0 },
      found: true,
    },
    {
      symptom: 'repository up-to-date',
      facts: { policy_latest: '1.1.0', manifest_image_tag: '1.1.0', markers_found: 1 },
      found: false,
    },
  ],
};

function weigh(_confidence: number, { facts }: Report) {
  if ('policy_latest' in facts && !policyHasMoved(facts)) return because(0);
  const fault = markerFault(facts);
  if (fault !== undefined) return because(scopeFault(facts) === undefined ? 0.95 : 0.8, fault);
  return because(policyHasMoved(facts) && scopeFault(facts) === undefined ? 0.8 : 0, 'policy and manifest differ');
}
