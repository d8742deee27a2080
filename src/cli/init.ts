import { type CommandModule, examples } from './command.ts';

export const register: CommandModule['register'] = (program, shell) => {
  program
    .command('init')
    .description('write a millrace.yaml: asks, and finds out what it can from kubeconfig, AWS, git and a tree')
    .option('-f, --filename <file>', 'file to write', 'millrace.yaml')
    .option('--name <name>', 'beginning of the names in AWS (default: the name of the cluster)')
    .option('--account <id>', 'AWS account (default: that of the AWS credentials)')
    .option('--region <region>', 'AWS region (default: AWS_REGION)')
    .option('--cluster <name>', 'EKS cluster (default: from the context of the kubeconfig)')
    .option('--issuer <url>', "the cluster's OIDC issuer (default: asked of the cluster)")
    .option('--git-url <url>', 'repository to synchronise from (default: the remote origin)')
    .option('--git-path <folder>', 'folder of the repository', './clusters/main')
    .option('--repository <name...>', 'ECR repositories or patterns that are scanned')
    .option('--from <folder>', 'GitOps tree that says what is scanned')
    .option('--kubeconfig <file>', 'kubeconfig of the cluster')
    .option('--context <name>', 'context of the kubeconfig')
    .addHelpText(
      'after',
      examples(
        'millrace init',
        'millrace init --region eu-west-1 --cluster prod --git-url https://bitbucket.org/acme/fleet.git --repository "apps/*"',
      ),
    )
    .action(
      shell.action(async (...call) => (await import('./init/write-configuration.ts')).writeConfiguration(...call)),
    );
};
