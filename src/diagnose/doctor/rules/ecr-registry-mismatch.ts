import { text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';
import { ecrHost } from '../signs.ts';

export const ecrRegistryMismatch: Rule = {
  code: 'ecr-registry-mismatch',
  cause: 'The registry, region or repository name of the image does not exist there.',
  fix: "Compare account, region and repository of the image's name with `aws ecr describe-repositories` in that region.",
  commands: [
    'aws ecr describe-repositories --region $REGION --registry-id $REGISTRY_ACCOUNT --query "repositories[].repositoryUri"',
  ],
  says: [
    [/invalid ECR image|not (a valid|an) ECR (image|registry|repository)/i, 0.9],
    [/NAME_UNKNOWN|RepositoryNotFoundException|name unknown/i, 0.94],
    [/The repository with name '[^']*' does not exist in the registry/i, 0.95],
    [/only supported in us-east-1/i, 0.94],
    [/invalid AWS registry/i, 0.85],
    [new RegExp(`repository \\S*${ecrHost}\\S* not found`, 'i'), 0.9],
    [/pull access denied|no such host/i, 0],
    [/\.dkr[.-]ecr[\s\S]*\b400 Bad Request\b|\b400\b[\s\S]*\.dkr[.-]ecr/i, 0.7],
  ],
  weigh,
  shows: (facts) => {
    const image = text(facts, 'image');
    const region = text(facts, 'repository_region');
    if (image === undefined || region === undefined || image.includes(`.${region}.`)) return undefined;
    return `the image names ${image}, the repository is in ${region}`;
  },
  examples: [
    { symptom: "NAME_UNKNOWN: The repository with name 'x' does not exist in the registry with id '1'", found: true },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  const image = text(facts, 'image');
  const region = text(facts, 'repository_region');
  if (image !== undefined && region !== undefined && !image.includes(`.${region}.`)) {
    return because(Math.max(confidence, 0.96), `the image names ${image}, the repository is in ${region}`);
  }
  return because(confidence);
}
