import type { KubeObject } from '../base/kube-object.ts';
import type { KubeClient, ListOptions } from '../kube/client.ts';
import { getCondition } from '../runtime/conditions.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { type FluxKind, kindsAndName, read, servedKind } from './flux-kinds.ts';
import { addKubeOptions, addNamespaceOptions, chosenNamespace, withCluster } from './kube-options.ts';
import { formatTable } from './table.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const command = program
    .command('get')
    .description('Show sources, kustomizations and images with their state.')
    .argument('<kind>', 'all, sources, images, or a kind such as kustomizations, gitrepositories, imagepolicies')
    .argument('[name]', 'only the object of this name')
    .argument('[more]', 'the name, where a kind follows its group as in the flux CLI: sources git fleet')
    .option('-l, --selector <labels>', 'only objects with these labels')
    .option('--status-selector <type=status>', 'only objects with this condition, such as ready=false');
  addNamespaceOptions(addKubeOptions(command))
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'millrace get all -A',
        'millrace get ks apps -n flux-system',
        'millrace get sources git fleet',
        'millrace get images -o yaml',
      ),
    )
    .action(shell.action(get));
};

async function get(operands: string[], options: Record<string, unknown>, context: CliContext): Promise<CommandResult> {
  const { kinds, name } = kindsAndName(operands);
  const word = kinds.length === 1 ? (kinds[0]?.plural ?? 'objects') : (operands[0] ?? 'all');
  return withCluster(options, context, async ({ client, config }) => {
    const namespace = chosenNamespace(options, config);
    const labels = typeof options['selector'] === 'string' ? { labelSelector: options['selector'] } : {};
    const scope = { ...labels, ...(namespace === undefined ? {} : { namespace }), signal: context.signal };
    const hasCondition = conditionFilter(options['statusSelector']);
    const sections: Section[] = [];
    for (const kind of kinds) {
      const objects = (await listServed(client, kind, kinds.length === 1, scope)).filter(hasCondition);
      const chosen = objects.filter(({ metadata }) => name === undefined || metadata.name === name);
      if (chosen.length > 0) sections.push({ kind, objects: chosen });
    }
    return show(sections, { word, name, namespace, withKind: kinds.length > 1 });
  });
}

interface Section {
  kind: FluxKind;
  objects: KubeObject[];
}

/** A kind asked for by name must be served; among many it is simply not installed. */
async function listServed(
  client: KubeClient,
  kind: FluxKind,
  isRequired: boolean,
  scope: ListOptions,
): Promise<KubeObject[]> {
  const newest = { apiVersion: kind.apiVersions[0] ?? '', kind: kind.kind };
  const served = (await servedKind(client, kind, scope)) ?? (isRequired ? newest : undefined);
  return served === undefined ? [] : (await client.list(served, scope)).items;
}

interface Question {
  word: string;
  name: string | undefined;
  namespace: string | undefined;
  withKind: boolean;
}

function show(sections: Section[], { word, name, namespace, withKind }: Question): CommandResult {
  const found = sections.flatMap(({ objects }) => objects.map(withoutManagedFields));
  const data = name !== undefined && found.length === 1 ? found[0] : { apiVersion: 'v1', kind: 'List', items: found };
  if (found.length === 0) {
    const what = `${word === 'all' ? 'objects' : word}${name === undefined ? '' : ` named ${name}`}`;
    const text = `no ${what} found ${namespace === undefined ? 'in any namespace' : `in namespace ${namespace}`}`;
    return { data, text, ...(name === undefined ? {} : { exitCode: exitCodes.failed }) };
  }
  const layout = { withKind, withNamespace: namespace === undefined };
  return { data, text: sections.map(({ kind, objects }) => formatSection(kind, objects, layout)).join('\n\n') };
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
    ...(kind.isData === true ? [] : ['READY', 'MESSAGE']),
  ];
  const rows = objects.map((object) => {
    const ready = getCondition(object, 'Ready');
    const { name, namespace = '' } = object.metadata;
    return [
      ...(withNamespace ? [namespace] : []),
      withKind ? `${kind.kind.toLowerCase()}/${name}` : name,
      ...kind.columns.map(({ value }) => value(object)),
      ...(kind.canSuspend ? [read(object, 'spec', 'suspend') === true ? 'True' : 'False'] : []),
      ...(kind.isData === true
        ? []
        : [ready?.status ?? 'False', oneLine(ready?.message ?? 'waiting to be reconciled')]),
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
