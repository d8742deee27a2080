import { isForeignAccount } from '../ecr.ts';
import { number } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const nodeImagePullDenied: Rule = {
  code: 'node-image-pull-denied',
  cause: 'The kubelet pulls with the role of the node, and that role may not pull from this repository.',
  fix: 'Attach AmazonEC2ContainerRegistryPullOnly to the node role; a role of the controllers does not help the kubelet.',
  commands: [
    'aws iam attach-role-policy --role-name $NODE_ROLE --policy-arn arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly',
  ],
  says: [
    [/fail(ed)? to fetch (anonymous|oauth) token[\s\S]*\.dkr[.-]ecr[\s\S]*\b40[13]\b/i, 0.88],
    [/unexpected status from (HEAD|GET) request to https:\/\/\d{12}\.dkr[.-]ecr[\s\S]*\b403\b/i, 0.75],
    [/(failed to pull|pulling) [\s\S]*assumed-role\/[\w+=,.@-]+\/i-[0-9a-f]{8,17} is not authorized to perform/i, 0.9],
    [
      /(failed to pull|error reading manifest)[\s\S]*\.dkr[.-]ecr[\s\S]*(\b401\b|unauthorized: authentication required)/i,
      0.85,
    ],
    [/^(?![\s\S]*?chart)[\s\S]*?\.dkr[.-]ecr\S* failed with status code \[manifests [^\]]*\]: 40[13]/i, 0.85],
    [/no basic auth credentials/i, 0.9],
    [/pull access denied[\s\S]*(dkr[.-]ecr|authorization failed)/i, 0.8],
    [/failed to pull (and unpack )?image "\S+\.dkr[.-]ecr[\s\S]*\b403\b/i, 0.75],
  ],
  weigh,
  shows: (facts) => (facts['node_role_has_ecr_read'] === false ? "the node's role may not read ECR" : undefined),
  examples: [
    {
      symptom: 'pull access denied, repository does not exist or may require authorization: no basic auth credentials',
      facts: { node_role_has_ecr_read: false },
      found: true,
    },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  if (isForeignAccount(facts)) return because(0.3);
  const age = number(facts, 'image_pull_secret_age_hours') ?? number(facts, 'registry_secret_age_hours');
  if (age !== undefined && age >= 12) return because(0.3);
  if (facts['node_role_has_ecr_read'] === false) return because(0.96, "the node's role may not read ECR");
  return because(facts['node_role_has_ecr_read'] === true ? 0.4 : confidence);
}
