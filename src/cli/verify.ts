import { verifyChain } from '../diagnose/verify/verify.ts';
import { orCannotCheck } from './cannot-check.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { addKubeOptions, withCluster } from './kube-options.ts';
import { exitCodeOf, formatVerification, verificationMarkdown } from './verify/format.ts';
import { withVerifyTools } from './verify/with-tools.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const verify = program
    .command('verify')
    .description(
      'check every link of the chain, from the ServiceAccount to the pods, with its evidence; changes nothing',
    )
    .option('-n, --namespace <name>', 'namespace of the controllers (default: where image-reflector-controller is)')
    .option('--markdown', 'print a report to paste into a ticket')
    .option('--registry-endpoint <host=url...>', 'reach a registry elsewhere than its name says')
    .addOption(outputOption());
  addKubeOptions(verify)
    .addHelpText(
      'after',
      examples('millrace verify', 'millrace verify --context production --markdown', 'millrace verify -o json').concat(
        '\nThe cluster is asked as the kubeconfig says, AWS with the keys or the profile of the environment. With the right to\n',
        'create tokens of image-reflector-controller the exchange at STS, the login and the listing are the real ones.\n',
        '\nExit code: 0 every check holds, 1 a check fails, 2 some could not be made.\n',
      ),
    )
    .action(shell.action((_args, options, context) => orCannotCheck(context, () => runVerify(options, context))));
};

async function runVerify(options: Record<string, unknown>, context: CliContext): Promise<CommandResult> {
  const { signal } = context;
  return withCluster(options, context, async ({ client }) =>
    withVerifyTools(client, options, context, async (tools) => {
      const namespace = typeof options['namespace'] === 'string' ? options['namespace'] : undefined;
      const verification = await verifyChain(client, tools, { namespace, signal });
      const format = options['markdown'] === true ? verificationMarkdown : formatVerification;
      return { data: verification, text: format(verification), exitCode: exitCodeOf(verification) };
    }),
  );
}
