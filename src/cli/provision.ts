import { type CommandModule, examples, outputOption } from './command.ts';

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
};
