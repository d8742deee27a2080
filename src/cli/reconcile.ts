import { withDeadline } from '../base/deadline.ts';
import { parseDuration } from '../base/duration.ts';
import { MillraceError } from '../base/error.ts';
import type { KubeObject, ObjectRef } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { type FluxKind, fluxKinds, parseObjectName, read } from './flux-kinds.ts';
import { addKubeOptions, chosenNamespace, withCluster } from './kube-options.ts';
import { findObject, requestReconcile, waitUntilHandled, waitUntilReady } from './requests.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const command = program
    .command('reconcile')
    .description('Have an object reconciled now, and wait for the result.')
    .argument('<kind/name>', 'such as Kustomization/apps')
    .option('-n, --namespace <name>', "namespace (default: the context's)")
    .option('--with-source', 'first the source that it is made from')
    .option('--no-wait', 'do not wait for the result')
    .option('--timeout <duration>', 'how long to wait', '5m');
  addKubeOptions(command)
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples('millrace reconcile gitrepository/fleet', 'millrace reconcile ks/apps -n flux-system --with-source'),
    )
    .action(shell.action(reconcile));
};

async function reconcile(
  [operand = '']: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { kind, name } = parseObjectName(operand);
  if (kind.isData === true)
    throw new MillraceError('BAD_INPUT', `${kind.kind} objects are not reconciled: a change of one counts at once`, {
      retry: 'never',
    });
  const timeoutMs = parseDuration(String(options['timeout']), '--timeout');
  return withCluster(options, context, ({ client, config }) =>
    withDeadline(context.signal, timeoutMs, `reconcile ${operand}`, async (signal) => {
      const namespace = chosenNamespace(options, config) ?? config.namespace;
      const object = await findObject(client, kind, { namespace, name }, signal);
      const steps = [...(options['withSource'] === true ? await sourceOf(client, kind, object, signal) : []), object];
      const results: KubeObject[] = [];
      for (const step of steps) results.push(await runOnce(client, step, options['wait'] !== false, context, signal));
      const last = results.at(-1);
      return { data: last, text: last === undefined ? '' : summary(last) };
    }),
  );
}

async function sourceOf(
  client: KubeClient,
  kind: FluxKind,
  object: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  const source = kind.sourceOf?.(object);
  const sourceKind = fluxKinds.find((known) => known.kind === source?.kind);
  if (source === undefined || sourceKind === undefined) {
    throw new MillraceError('BAD_INPUT', `${object.kind}/${object.metadata.name} has no source`, { retry: 'never' });
  }
  const namespace = source.namespace ?? object.metadata.namespace ?? '';
  return [await findObject(client, sourceKind, { namespace, name: source.name }, signal)];
}

async function runOnce(
  client: KubeClient,
  object: KubeObject,
  wait: boolean,
  { stderr }: CliContext,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { kind, metadata } = object;
  if (read(object, 'spec', 'suspend') === true) {
    throw new MillraceError('OBJECT_SUSPENDED', `${kind}/${metadata.name} is suspended`, {
      hint: `millrace resume ${kind}/${metadata.name} -n ${metadata.namespace}`,
      retry: 'never',
    });
  }
  const ref: ObjectRef = {
    apiVersion: object.apiVersion,
    kind,
    name: metadata.name,
    namespace: metadata.namespace ?? '',
  };
  const requested = await requestReconcile(client, ref, signal);
  stderr.write(`requested ${kind}/${metadata.name}\n`);
  if (!wait) return requested;
  await waitUntilHandled(client, ref, requested, signal);
  return waitUntilReady(client, ref, signal);
}

function summary(object: KubeObject): string {
  const revision = read(object, 'status', 'artifact', 'revision') ?? read(object, 'status', 'lastAppliedRevision');
  const name = `${object.kind}/${object.metadata.name}`;
  return revision === undefined ? `${name} reconciled` : `${name} reconciled: revision ${String(revision)}`;
}
