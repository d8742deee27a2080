import type { Command } from 'commander';
import { type CommandModule, examples, outputOption } from './command.ts';
import { addKubeOptions } from './kube-options.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const provision = program
    .command('provision')
    .description('bring about what deliveries need in IAM and the cluster: as Terraform, or directly');
  provision
    .command('terraform')
    .description('write the Terraform configuration of an installation')
    .option('-f, --filename <file>', 'the configuration', 'millrace.yaml')
    .option(
      '--from <folder>',
      'GitOps tree whose ImageRepositories and OCIRepositories say what is scanned and fetched',
    )
    .requiredOption('--out <folder>', 'folder to write to')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'millrace provision terraform --out terraform',
        'millrace provision terraform -f millrace.yaml --from ../fleet --out terraform && terraform -chdir=terraform init',
      ),
    )
    .action(
      shell.action(async (args, options, context) =>
        (await import('./provision/terraform.ts')).writeTerraform(args, options, context),
      ),
    );
  direct(
    provision.command('apply').description('bring it about through the AWS and Kubernetes APIs; shows a plan first'),
  )
    .option('--allow-widening', 'let steps make an existing policy allow more')
    .option(
      '--credential-file <file>',
      'file with the git token or private key (default: MILLRACE_GIT_CREDENTIAL, else as it is in the cluster)',
    )
    .addHelpText(
      'after',
      examples('millrace provision apply --dry-run', 'MILLRACE_GIT_CREDENTIAL=… millrace provision apply'),
    )
    .action(shell.action(async (...call) => (await import('./provision/direct.ts')).apply(...call)));
  direct(provision.command('destroy').description('remove what `apply` made, and nothing else'))
    .addHelpText('after', examples('millrace provision destroy --dry-run'))
    .action(shell.action(async (...call) => (await import('./provision/direct.ts')).destroy(...call)));
};

function direct(command: Command): Command {
  return addKubeOptions(command)
    .option('-f, --filename <file>', 'the configuration', 'millrace.yaml')
    .option('--from <folder>', 'GitOps tree whose ImageRepositories say what is scanned')
    .option('--dry-run', 'show the plan and change nothing')
    .addOption(outputOption());
}
