import type { Command } from 'commander';
import { type CommandModule, examples, outputOption } from './command.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const iam = program.command('iam').description('print and check the IAM documents of an installation');
  common(iam.command('policy').description('print the policy of the scanning role'))
    .addHelpText('after', examples('millrace iam policy', 'millrace iam policy --from ../fleet > policy.json'))
    .action(shell.action(async (...call) => (await import('./iam/documents.ts')).printPolicy(...call)));
  common(iam.command('trust').description('print the trust policy of the scanning role'))
    .addHelpText('after', examples('millrace iam trust --issuer https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE'))
    .action(shell.action(async (...call) => (await import('./iam/documents.ts')).printTrust(...call)));
  common(
    iam
      .command('check')
      .description('evaluate a policy, a trust policy or a role of IAM against the calls that will be made'),
  )
    .option('--policy <file>', 'policy document (JSON)')
    .option('--trust <file>', 'trust policy document (JSON)')
    .option('--role <name>', 'role to read from IAM with its policies, by the AWS credentials of the environment')
    .option('--image <image...>', 'images that are scanned, besides those of configuration and tree')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'millrace iam check --policy policy.json',
        'millrace iam check --role prod-image-reflector --from ../fleet',
        'millrace iam check --policy policy.json --image 111122223333.dkr.ecr.eu-west-1.amazonaws.com/apps/mainapp',
      ),
    )
    .action(shell.action(async (...call) => (await import('./iam/check.ts')).check(...call)));
};

function common(command: Command): Command {
  return command
    .option('-f, --filename <file>', 'the configuration', 'millrace.yaml')
    .option('--from <folder>', 'GitOps tree whose ImageRepositories say what is scanned')
    .option('--account <id>', 'AWS account, where the configuration does not name it')
    .option('--issuer <url>', "the cluster's OIDC issuer, where the configuration does not name it");
}
