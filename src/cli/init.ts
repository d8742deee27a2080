import { Option } from 'commander';
import { type CommandModule, examples, outputOption } from './command.ts';

export const register: CommandModule['register'] = (program, shell) => {
  program
    .command('init')
    .description('write a millrace.yaml: asks, and finds out what it can from kubeconfig, AWS, git and a tree')
    .option('-f, --filename <file>', 'file to write', 'millrace.yaml')
    .option('--name <name>', 'beginning of the names in AWS (default: the name of the cluster)')
    .addOption(new Option('--engine <name>', 'who delivers').choices(['flux', 'millrace']).default('flux'))
    .option('--account <id>', 'AWS account (default: that of the AWS credentials)')
    .option('--region <region>', 'AWS region (default: AWS_REGION, else that of the kubeconfig)')
    .option('--cluster <name>', 'EKS cluster (default: that of the kubeconfig, else the only one of the region)')
    .option('--issuer <url>', "the cluster's OIDC issuer (default: asked of EKS, else of the cluster)")
    .option('--git-url <url>', 'repository to synchronise from (default: the remote origin)')
    .option('--git-path <folder>', 'folder of the repository (default: ./clusters/ and the name of the cluster)')
    .option('--repository <name...>', 'ECR repositories or patterns that are scanned')
    .option('--from <folder>', 'GitOps tree that says what is scanned')
    .option('--kubeconfig <file>', 'kubeconfig of the cluster')
    .option('--context <name>', 'context of the kubeconfig')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'millrace init                                     # asks, where there is a terminal',
        'millrace init --engine millrace --from ../fleet   # what is scanned is read from the tree',
        'millrace init --region eu-west-1 --cluster prod --git-url https://bitbucket.org/acme/fleet.git --repository "apps/*"',
      ),
    )
    .action(
      shell.action(async (...call) => (await import('./init/write-configuration.ts')).writeConfiguration(...call)),
    );
};
