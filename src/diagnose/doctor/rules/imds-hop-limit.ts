import { identityDesign, number, text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';
import { cannotReach, nodeCaller, noPodIdentity } from '../signs.ts';

export const imdsHopLimit: Rule = {
  code: 'imds-hop-limit',
  cause:
    "The pods are meant to use the node's role, and instance metadata does not answer pods: hop limit 1, IMDSv2 only.",
  fix: 'Give the controllers a role of their own (IRSA or Pod Identity). Raising the hop limit to 2 works, but hands the role of the node to every pod.',
  commands: [
    'millrace provision terraform --out terraform/',
    'aws ec2 describe-instances --query "Reservations[].Instances[].MetadataOptions"',
  ],
  says: [
    [cannotReach(String.raw`169\.254\.169\.254`), 0.75],
    [/EC2MetadataRequestError/i, 0.75],
    // Millrace asks instance metadata only where it was told to: that the node's role is meant is in the message.
    [/no EC2 IMDS role found \(--allow-node-role/i, 0.97],
    [/ec2imds: getToken|169\.254\.169\.254\/latest\/api\/token/i, 0.75],
    [
      /EC2MetadataError(?![\s\S]*status code: 404)|EC2 ?(instance )?metadata is not available|EC2 ?(instance )?metadata request(?![\s\S]*status code: 404)|failed to make EC2Metadata(?![\s\S]*status code: 404)/i,
      0.75,
    ],
    [noPodIdentity, 0.4],
    [/request to EC2 IMDS failed/i, 0.35],
  ],
  weigh,
  shows: (facts) =>
    identityDesign(facts) === 'node-role' && facts['imds_hop_limit'] === 1
      ? "the node's role is meant to be used, and the hop limit is 1"
      : undefined,
  examples: [
    {
      symptom: 'no EC2 IMDS role found, operation error ec2imds: GetMetadata, canceled, context deadline exceeded',
      facts: { identity_design: 'node-role', imds_hop_limit: 1 },
      found: true,
    },
    { symptom: 'no EC2 IMDS role found', facts: { identity_design: 'irsa' }, found: false },
  ],
};

function weigh(confidence: number, { facts, symptom }: Report) {
  const design = identityDesign(facts);
  if (confidence > 0.96) return because(confidence);
  if (design === 'irsa' || design === 'pod-identity' || nodeCaller.test(symptom)) return because(0);
  const blocked = number(facts, 'imds_hop_limit') === 1 || text(facts, 'imds_http_tokens') === 'required';
  if (design === 'node-role') return because(blocked ? 0.96 : 0.9, "the node's role is meant to be used");
  return because(blocked ? Math.max(confidence, 0.7) : confidence);
}
