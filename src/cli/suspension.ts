import type { Command } from 'commander';
import { withDeadline } from '../base/deadline.ts';
import { parseDuration } from '../base/duration.ts';
import { MillraceError } from '../base/error.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { examples, outputOption, type Shell } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { parseObjectName } from './flux-kinds.ts';
import { addKubeOptions, chosenNamespace, withCluster } from './kube-options.ts';
import { findObject, waitUntilReady } from './requests.ts';

interface Switch {
  name: 'suspend' | 'resume';
  suspend: boolean;
  description: string;
  examples: string[];
}

/** `suspend` and `resume` are one command with two answers. */
export function registerSwitch(
  program: Command,
  shell: Shell,
  { name, suspend, description, examples: lines }: Switch,
): void {
  const command = program
    .command(name)
    .description(description)
    .argument('<kind/name...>', 'such as Kustomization/apps')
    .option('-n, --namespace <name>', "namespace (default: the context's)");
  if (!suspend) {
    command
      .option('--no-wait', 'do not wait until they are ready')
      .option('--timeout <duration>', 'how long to wait', '5m');
  }
  addKubeOptions(command)
    .addOption(outputOption())
    .addHelpText('after', examples(...lines))
    .action(shell.action((operands, options, context) => setSuspended(operands, suspend, options, context)));
}

async function setSuspended(
  operands: string[],
  suspend: boolean,
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const timeoutMs = parseDuration(String(options['timeout'] ?? '5m'), '--timeout');
  const targets = operands.map((operand) => ({ operand, ...parseObjectName(operand) }));
  const fixed = targets.find(({ kind }) => !kind.canSuspend);
  if (fixed !== undefined)
    throw new MillraceError('BAD_INPUT', `${fixed.operand}: the kind cannot be suspended`, { retry: 'never' });
  return withCluster(options, context, ({ client, config }) =>
    withDeadline(context.signal, timeoutMs, suspend ? 'suspend' : 'resume', async (signal) => {
      const namespace = chosenNamespace(options, config) ?? config.namespace;
      const changed: KubeObject[] = [];
      for (const { kind, name } of targets) {
        const { apiVersion } = await findObject(client, kind, { namespace, name }, signal);
        const ref = { apiVersion, kind: kind.kind, namespace, name };
        const body = { spec: { suspend: suspend ? true : null } };
        const object = await client.patch(ref, 'merge', body, { signal, fieldManager: 'millrace' });
        const wait = !suspend && options['wait'] !== false;
        changed.push(wait ? await waitUntilReady(client, ref, signal) : object);
      }
      const names = changed.map(
        ({ kind, metadata }) => `${kind}/${metadata.name} ${suspend ? 'suspended' : 'resumed'}`,
      );
      return { data: changed, text: names.join('\n') };
    }),
  );
}
