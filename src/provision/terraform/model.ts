import type { Configuration } from '../configuration.ts';
import { arnOf, type EcrReference, parseEcrReference } from '../ecr-references.ts';

/** A ServiceAccount that reads ECR, with the names of what it needs in Terraform. */
export interface EcrReader {
  serviceAccount: string;
  /** Resource name of its policy and role. */
  id: string;
  /** End of the IAM names. */
  suffix: string;
  actions: readonly string[];
  arns: string;
  /** Output with the role's ARN. */
  output: string;
}

export interface TerraformModel {
  configuration: Configuration;
  /** What `ecr_repositories` is by default: names and patterns of the own registry, ARNs of others. */
  repositories: readonly string[];
  pullRepositories: readonly string[];
  foreign: readonly EcrReference[];
  readers: readonly EcrReader[];
}

/** What the files of one generation have in common. `scanned` and `pulled` are images found in a GitOps tree. */
export function terraformModel(
  configuration: Configuration,
  scanned: readonly string[],
  pulled: readonly string[],
): TerraformModel {
  const scans = references(
    [...configuration.ecr.repositories, ...configuration.images.map(({ image }) => image), ...scanned],
    configuration,
  );
  const cached = configuration.ecr.pullThrough.map((prefix) => `${prefix.replace(/\/?\*?$/, '')}/*`);
  const pulls = references([...configuration.ecr.pull, ...cached, ...pulled], configuration);
  const repositories = covering(scans, configuration);
  const pullRepositories = covering(pulls, configuration);
  const foreign = [...scans, ...pulls].filter(
    ({ account }) => account !== undefined && account !== configuration.aws.account,
  );
  const reflector: EcrReader = {
    serviceAccount: 'image-reflector-controller',
    id: 'flux_ecr_read',
    suffix: 'flux-ecr-read',
    actions: scanActions[configuration.ecr.profile],
    arns: 'local.ecr_repository_arns',
    output: 'flux_irsa_role_arn',
  };
  const source: EcrReader = {
    serviceAccount: 'source-controller',
    id: 'flux_ecr_pull',
    suffix: 'flux-ecr-pull',
    actions: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer', 'ecr:ListImages'],
    arns: 'local.ecr_pull_repository_arns',
    output: 'flux_pull_role_arn',
  };
  const readers = pullRepositories.length > 0 ? [reflector, source] : [reflector];
  return { configuration, repositories, pullRepositories, foreign, readers };
}

const scanActions = {
  scan: ['ecr:ListImages'],
  'scan+meta': ['ecr:BatchGetImage', 'ecr:DescribeImages', 'ecr:ListImages'],
} as const;

function references(texts: readonly string[], configuration: Configuration): EcrReference[] {
  return texts.map((text) => parseEcrReference(text, configuration));
}

/** Sorted and without what a pattern of the list covers already, so that the policy is as short as it reads. */
function covering(all: readonly EcrReference[], configuration: Configuration): string[] {
  const written = all.map((each) => (each.region === undefined ? each.repository : arnOf(each, configuration)));
  const unique = [...new Set(written)].sort();
  const patterns = unique.filter((text) => /[*?]/.test(text));
  return unique.filter((text) => !patterns.some((pattern) => pattern !== text && matches(pattern, text)));
}

function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(text);
}
