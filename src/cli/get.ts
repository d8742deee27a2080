import type { KubeObject } from '../base/kube-object.ts';
import { getCondition } from '../runtime/conditions.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { type FluxKind, kindsNamed, read, servedKind } from './flux-kinds.ts';
import { addKubeOptions, addNamespaceOptions, chosenNamespace, withCluster } from './kube-options.ts';
import { formatTable } from './table.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const command = program
    .command('get')
    .description('Show sources, kustomizations and images with their state.')
    .argument('<kind>', 'all, sources, images, or a kind such as kustomizations, gitrepositories, imagepolicies')
    .argument('[name]', 'only the object of this name')
    .option('-l, --selector <labels>', 'only objects with these labels')
    .option('--status-selector <type=status>', 'only objects with this condition, such as ready=false');
  addNamespaceOptions(addKubeOptions(command))
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples('millrace get all -A', 'millrace get ks apps -n flux-system', 'millrace get images -o yaml'),
    )
    .action(shell.action(get));
};

async function get(operands: string[], options: Record<string, unknown>, context: CliContext): Promise<CommandResult> {
  const [word = 'all', name] = operands;
  const kinds = kindsNamed(word);
  return withCluster(options, context, async ({ client, config }) => {
    const { signal } = context;
    const namespace = chosenNamespace(options, config);
    const selector = typeof options['selector'] === 'string' ? { labelSelector: options['selector'] } : {};
    const isWanted = conditionFilter(options['statusSelector']);
    const sections: { kind: FluxKind; objects: KubeObject[] }[] = [];
    for (const kind of kinds) {
      const served = await servedKind(client, kind, { signal });
      if (served === undefined) {
        // Asked for by name it is an error; among many it is simply not installed.
        if (kinds.length === 1)
          await client.resourceOf({ apiVersion: kind.apiVersions[0] ?? '', kind: kind.kind }, { signal });
        continue;
      }
      const scope = namespace === undefined ? {} : { namespace };
      const { items } = await client.list(served, { ...scope, ...selector, signal });
      const objects = items.filter(
        (object) => (name === undefined || object.metadata.name === name) && isWanted(object),
      );
      if (objects.length > 0) sections.push({ kind, objects });
    }
    const found = sections.flatMap(({ objects }) => objects.map(withoutManagedFields));
    const withKind = kinds.length > 1;
    const tables = sections.map(({ kind, objects }) =>
      formatSection(kind, objects, { withKind, withNamespace: namespace === undefined }),
    );
    const where = namespace === undefined ? 'in any namespace' : `in namespace ${namespace}`;
    const nothing = `no ${word === 'all' ? 'objects' : word}${name === undefined ? '' : ` named ${name}`} found ${where}`;
    return {
      data: name !== undefined && found.length === 1 ? found[0] : { apiVersion: 'v1', kind: 'List', items: found },
      text: found.length === 0 ? nothing : tables.join('\n\n'),
      ...(found.length === 0 && name !== undefined ? { exitCode: exitCodes.failed } : {}),
    };
  });
}

/** One kind's table in the form of `flux get`. */
export function formatSection(
  kind: FluxKind,
  objects: readonly KubeObject[],
  { withKind, withNamespace }: { withKind: boolean; withNamespace: boolean },
): string {
  const titles = [
    ...(withNamespace ? ['NAMESPACE'] : []),
    'NAME',
    ...kind.columns.map(({ title }) => title),
    ...(kind.canSuspend ? ['SUSPENDED'] : []),
    'READY',
    'MESSAGE',
  ];
  const rows = objects.map((object) => {
    const ready = getCondition(object, 'Ready');
    const { name, namespace = '' } = object.metadata;
    return [
      ...(withNamespace ? [namespace] : []),
      withKind ? `${kind.kind.toLowerCase()}/${name}` : name,
      ...kind.columns.map(({ value }) => value(object)),
      ...(kind.canSuspend ? [read(object, 'spec', 'suspend') === true ? 'True' : 'False'] : []),
      ready?.status ?? 'False',
      oneLine(ready?.message ?? 'waiting to be reconciled'),
    ];
  });
  return formatTable(titles, rows);
}

/** `ready=false`, in any case, as `flux get --status-selector`. */
function conditionFilter(selector: unknown): (object: KubeObject) => boolean {
  if (typeof selector !== 'string') return () => true;
  const [type = '', status = ''] = selector.toLowerCase().split('=');
  return (object) => {
    const conditions = read(object, 'status', 'conditions');
    const found = Array.isArray(conditions)
      ? conditions.find((condition) => String(read(condition, 'type')).toLowerCase() === type)
      : undefined;
    return String(read(found, 'status')).toLowerCase() === status;
  };
}

function oneLine(text: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  return rest.length === 0 ? first : `${first} …`;
}

function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
