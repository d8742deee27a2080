import { newLifetime } from '../base/deadline.ts';
import { createLogger } from '../base/logger.ts';
import { isInCluster } from '../kube/in-cluster.ts';
import { createMetrics } from '../runtime/metrics.ts';
import type { CommandModule } from './command.ts';
import { examples } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { addKubeOptions, connect } from './kube-options.ts';
import { assembleControllers } from './run/controllers.ts';
import { runControllers } from './run/controllers-process.ts';
import { addRunOptions } from './run/flags.ts';
import { parseRunOptions } from './run/options.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const command = program.command('run').description('Run the controllers against a cluster until interrupted.');
  addRunOptions(addKubeOptions(command))
    .addHelpText(
      'after',
      examples(
        'millrace run --context staging',
        'millrace run --controllers image-reflector-controller,image-automation-controller',
        "millrace run --watch-label-selector 'sharding.fluxcd.io/key=shard1' --enable-leader-election",
        'millrace run --registry-endpoint 000000000000.dkr.ecr.eu-west-1.amazonaws.com=http://127.0.0.1:5000',
      ),
    )
    .action(shell.action((_args, options, context) => run(options, context)));
};

async function run(raw: Record<string, unknown>, context: CliContext): Promise<CommandResult> {
  const { env, stderr } = context;
  const options = parseRunOptions(raw, env, isInCluster(env));
  const logger = createLogger(options.logLevel, stderr);
  const metrics = createMetrics();
  const { client, config } = await connect(raw, context, { observe: metrics.apiRequest });
  const end = options.exitWithStdin ? endWithStdin(context) : context.signal;
  const namespace = options.namespace ?? (config.name === 'in-cluster' ? config.namespace : 'flux-system');
  try {
    const process = { client, config, options, namespace, env, logger, metrics, assemble: assembleControllers };
    await runControllers(process, end);
  } finally {
    await client.close();
    // Reading it would keep the process alive after everything else has ended.
    context.stdin.pause();
  }
  return {};
}

/** Ends with the process at the other side of standard input, however that one ends. */
function endWithStdin({ stdin, signal }: CliContext): AbortSignal {
  const end = newLifetime();
  const stop = () => end.abort(new DOMException('the parent process ended', 'AbortError'));
  signal.addEventListener('abort', stop, { once: true });
  stdin.once('end', stop).once('close', stop).once('error', stop).resume();
  return end.signal;
}
