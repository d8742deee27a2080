import type { Command } from 'commander';
import { type CommandModule, examples, outputOption } from './command.ts';
import { addKubeOptions } from './kube-options.ts';

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
  addKubeOptions(
    iam
      .command('whoami')
      .description('say which AWS identity is used here, from which source, and what the others lack'),
  )
    .option('--controller <name>', 'as this controller: the role of its ServiceAccount comes first')
    .option('-n, --namespace <name>', 'with --controller: namespace of the installation (default: flux-system)')
    .option('--region <name>', 'region to ask STS in (default: AWS_REGION, us-east-1)')
    .option('--allow-node-role', "ask for the node's role (IMDS) last")
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'millrace iam whoami',
        'millrace iam whoami --controller image-reflector-controller',
        'kubectl -n flux-system exec deploy/millrace -- millrace iam whoami --controller image-reflector-controller',
      ),
    )
    .action(shell.action(async (...call) => (await import('./iam/whoami.ts')).whoami(...call)));
};

function common(command: Command): Command {
  return command
    .option('-f, --filename <file>', 'the configuration', 'millrace.yaml')
    .option('--from <folder>', 'GitOps tree whose ImageRepositories say what is scanned')
    .option('--account <id>', 'AWS account, where the configuration does not name it')
    .option('--issuer <url>', "the cluster's OIDC issuer, where the configuration does not name it");
}
