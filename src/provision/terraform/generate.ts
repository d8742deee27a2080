import { MillraceError } from '../../base/error.ts';
import type { Configuration } from '../configuration.ts';
import { arnOf, type TreeImages } from '../ecr-references.ts';
import { requireSound } from '../lint.ts';
import { ecrFile } from './ecr.ts';
import { eventsFile } from './events.ts';
import { fluxFile } from './flux.ts';
import { gitFile } from './git.ts';
import { type Block, printFile } from './hcl.ts';
import { iamFile } from './iam.ts';
import { deliveryChart, foreignPolicies, imagesFile, isOwnerPolicy } from './images.ts';
import { millraceFile } from './millrace.ts';
import { type TerraformModel, terraformModel } from './model.ts';
import { outputsFile } from './outputs.ts';
import { variablesFile } from './variables.ts';
import { versionsFile } from './versions.ts';

/**
 * The Terraform configuration of an installation, path → text. The same configuration gives the same bytes. `tree` is what a GitOps
 * tree says about images. Throws CONFIGURATION_INVALID where something could not work.
 */
export function generateTerraform(configuration: Configuration, tree?: TreeImages): Record<string, string> {
  requireSound(configuration, tree);
  requireAccount(configuration, tree);
  const model = terraformModel(configuration, tree?.scanned ?? [], tree?.pulled ?? []);
  requirePolicyFits(model);
  const printed = Object.entries(terraformBlocks(model)).flatMap(([name, blocks]) =>
    blocks.length === 0 ? [] : [[name, header + printFile(blocks)] as const],
  );
  const written = Object.fromEntries(printed);
  return {
    ...written,
    ...('images.tf' in written ? deliveryChart : {}),
    ...foreignPolicies(model),
  };
}

/** The blocks of each file; those of a file that is not needed are none. */
export function terraformBlocks(model: TerraformModel): Record<string, Block[]> {
  const { configuration } = model;
  return {
    'versions.tf': versionsFile(configuration),
    'variables.tf': variablesFile(model),
    'iam.tf': iamFile(model),
    'ecr.tf': ecrFile(configuration),
    'git.tf': gitFile(configuration),
    ...(configuration.engine === 'flux' ? { 'flux.tf': fluxFile(model) } : { 'millrace.tf': millraceFile(model) }),
    'images.tf': imagesFile(model),
    'events.tf': eventsFile(model),
    'outputs.tf': outputsFile(model),
  };
}

const header =
  '# Written by `millrace provision terraform` from millrace.yaml; change that file and write this one anew.\n\n';

/** Which registry is the own one has to be known where accounts are named, or another's repository would pass for one of ours. */
function requireAccount(configuration: Configuration, tree?: TreeImages): void {
  const { aws, ecr, images } = configuration;
  if (aws.account !== undefined) return;
  const named = [
    ...ecr.repositories,
    ...ecr.pull,
    ...images.map(({ image }) => image),
    ...(tree?.scanned ?? []),
    ...(tree?.pulled ?? []),
  ].find((text) => /^\d{12}\.dkr[.-]ecr|^arn:/.test(text));
  if (named === undefined) return;
  throw new MillraceError('CONFIGURATION_INVALID', `aws.account: is it the account of ${named}, or another?`, {
    retry: 'never',
    hint: 'Write the twelve digits of the own account into aws.account, in quotes.',
  });
}

/** Characters of a managed policy, white space not counted (IAM quotas). */
const policyLimit = 6144;

function requirePolicyFits({ configuration, repositories, pullRepositories }: TerraformModel): void {
  for (const list of [repositories, pullRepositories]) {
    const arns = list.map((text) => (text.startsWith('arn:') ? text : arnOf({ repository: text }, configuration)));
    // Beside the ARNs a policy has its actions and, at the most, the statements for events or a cache.
    if (JSON.stringify(arns).length + 800 <= policyLimit) continue;
    throw new MillraceError(
      'CONFIGURATION_INVALID',
      `${list.length} repositories make a policy of more than ${policyLimit} characters`,
      {
        retry: 'never',
        hint: 'Name prefixes (apps/*) in ecr.repositories; what a prefix covers is not listed by itself.',
      },
    );
  }
}

/** Whether a file is one that was written here, by its path in the folder and its text. */
export function isGenerated(path: string, text: string): boolean {
  if (path.endsWith('.tf')) return text.startsWith(header);
  return path.startsWith('owners/') ? isOwnerPolicy(text) : deliveryChart[path] === text;
}
