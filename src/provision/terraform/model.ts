import { controllersName } from '../aws-model.ts';
import type { Configuration } from '../configuration.ts';
import { covering, type EcrReference, parseEcrReference } from '../ecr-references.ts';

/** A ServiceAccount that reads ECR, with the names of what it needs in Terraform. */
export interface EcrReader {
  serviceAccount: string;
  /** ServiceAccount of the pods that read: Pod Identity goes by it. */
  podServiceAccount: string;
  /** Resource name of its policy and role. */
  id: string;
  /** Ends of the IAM names; `provision apply` uses the same. */
  policySuffix: string;
  roleSuffix: string;
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
  const isOneAccount = configuration.engine === 'millrace' && configuration.millrace.topology === 'single';
  const accounts = (serviceAccount: string) => ({
    serviceAccount,
    podServiceAccount: isOneAccount ? controllersName : serviceAccount,
  });
  const reflector: EcrReader = {
    ...accounts('image-reflector-controller'),
    id: 'flux_ecr_read',
    policySuffix: 'ecr-read',
    roleSuffix: 'image-reflector',
    actions: scanActions[configuration.ecr.profile],
    arns: 'local.ecr_repository_arns',
    output: 'flux_irsa_role_arn',
  };
  const source: EcrReader = {
    ...accounts('source-controller'),
    id: 'flux_ecr_pull',
    policySuffix: 'ecr-pull',
    roleSuffix: 'source',
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
