import type { KubeObject } from '../base/kube-object.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { fluxKinds, parseObjectName, read } from './flux-kinds.ts';
import { addKubeOptions, addNamespaceOptions, chosenNamespace, withCluster } from './kube-options.ts';
import { formatTable } from './table.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const command = program
    .command('events')
    .description('Show what happened to the objects of a delivery, oldest first.')
    .option('--for <kind/name>', 'only the events of one object')
    .option('--types <list>', 'only these types, such as Warning');
  addNamespaceOptions(addKubeOptions(command))
    .addOption(outputOption())
    .addHelpText('after', examples('millrace events -A', 'millrace events --for Kustomization/apps --types Warning'))
    .action(shell.action(events));
};

async function events(_: string[], options: Record<string, unknown>, context: CliContext): Promise<CommandResult> {
  const about = typeof options['for'] === 'string' ? parseObjectName(options['for']) : undefined;
  const types = typeof options['types'] === 'string' ? options['types'].split(',') : undefined;
  return withCluster(options, context, async ({ client, config }) => {
    const namespace = chosenNamespace(options, config);
    const fieldSelector =
      about === undefined ? undefined : `involvedObject.kind=${about.kind.kind},involvedObject.name=${about.name}`;
    const { items } = await client.list(
      { apiVersion: 'v1', kind: 'Event' },
      {
        signal: context.signal,
        ...(namespace === undefined ? {} : { namespace }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      },
    );
    const known = new Set(fluxKinds.map(({ kind }) => kind));
    const chosen = items
      .filter((event) => known.has(String(read(event, 'involvedObject', 'kind'))))
      .filter((event) => types?.includes(String(event['type'])) ?? true)
      .sort((a, b) => lastSeen(a) - lastSeen(b));
    return {
      data: { apiVersion: 'v1', kind: 'List', items: chosen },
      text: chosen.length === 0 ? 'no events found' : formatEvents(chosen, namespace === undefined),
    };
  });
}

function formatEvents(events: KubeObject[], withNamespace: boolean): string {
  const titles = [...(withNamespace ? ['NAMESPACE'] : []), 'LAST SEEN', 'COUNT', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'];
  const now = Date.now();
  const rows = events.map((event) => [
    ...(withNamespace ? [event.metadata.namespace ?? ''] : []),
    age(now - lastSeen(event)),
    String(event['count'] ?? 1),
    String(event['type'] ?? ''),
    String(event['reason'] ?? ''),
    `${String(read(event, 'involvedObject', 'kind'))}/${String(read(event, 'involvedObject', 'name'))}`,
    String(event['message'] ?? '').split('\n', 1)[0] ?? '',
  ]);
  return formatTable(titles, rows);
}

function lastSeen(event: KubeObject): number {
  const time = event['lastTimestamp'] ?? event['eventTime'] ?? event.metadata.creationTimestamp;
  return typeof time === 'string' ? Date.parse(time) : 0;
}

/** `45s`, `12m`, `3h`, `2d`, as kubectl writes ages. */
function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
