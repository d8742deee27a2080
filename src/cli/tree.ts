import { groupOf, type KubeObject, type ObjectRef } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { getCondition } from '../runtime/conditions.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { fluxKinds, parseObjectName, read } from './flux-kinds.ts';
import { addKubeOptions, chosenNamespace, withCluster } from './kube-options.ts';
import { findObject } from './requests.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const command = program
    .command('tree')
    .description('Show what a Kustomization made, and what that made in turn.')
    .argument('<kind/name>', 'such as Kustomization/fleet')
    .option('-n, --namespace <name>', "namespace (default: the context's)")
    .option('--compact', 'only the objects that deliver others');
  addKubeOptions(command)
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples('millrace tree ks/fleet -n flux-system', 'millrace tree Kustomization/apps --compact'),
    )
    .action(shell.action(tree));
};

interface Node {
  kind: string;
  namespace: string;
  name: string;
  /** Present for kinds that carry a Ready condition and were read. */
  ready?: string;
  message?: string;
  resources: Node[];
}

async function tree(
  [operand = '']: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { kind, name } = parseObjectName(operand);
  return withCluster(options, context, async ({ client, config }) => {
    const namespace = chosenNamespace(options, config) ?? config.namespace;
    const root = await findObject(client, kind, { namespace, name }, context.signal);
    const node = await grow(client, root, options['compact'] === true, new Set(), context.signal);
    return { data: node, text: draw(node).join('\n') };
  });
}

/** Follows inventories; an object that was met before is not followed again. */
async function grow(
  client: KubeClient,
  object: KubeObject,
  compact: boolean,
  met: Set<string>,
  signal: AbortSignal,
): Promise<Node> {
  const { kind, metadata } = object;
  const ready = getCondition(object, 'Ready');
  const node: Node = {
    kind,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    ...(ready === undefined ? {} : { ready: ready.status, message: ready.message }),
    resources: [],
  };
  met.add(`${kind}/${node.namespace}/${node.name}`);
  for (const ref of inventoryOf(object)) {
    const leaf: Node = { kind: ref.kind, namespace: ref.namespace ?? '', name: ref.name, resources: [] };
    const isKnown = fluxKinds.some(
      (known) => known.kind === ref.kind && known.apiVersions.some((v) => groupOf(v) === groupOf(ref.apiVersion)),
    );
    if (isKnown && !met.has(`${leaf.kind}/${leaf.namespace}/${leaf.name}`)) {
      const child = await client.get(ref, { signal });
      node.resources.push(
        child === undefined
          ? { ...leaf, ready: 'False', message: 'does not exist' }
          : await grow(client, child, compact, met, signal),
      );
    } else if (!compact) node.resources.push(leaf);
  }
  return node;
}

/** `status.inventory.entries`: ids of the form namespace_name_group_kind, and a version (spec/kustomization.md). */
function inventoryOf(object: KubeObject): ObjectRef[] {
  const entries = read(object, 'status', 'inventory', 'entries');
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry) => {
    const match = /^([^_]*)_(.+)_([^_]*)_([^_]+)$/.exec(String(read(entry, 'id')));
    if (match === null) return [];
    const [, namespace = '', name = '', group = '', kind = ''] = match;
    const version = String(read(entry, 'v'));
    // Names of RBAC kinds may hold a colon, which an id writes as two underscores.
    return [
      { apiVersion: group === '' ? version : `${group}/${version}`, kind, name: name.replaceAll('__', ':'), namespace },
    ];
  });
}

function draw(node: Node): string[] {
  return [label(node), ...branches(node)];
}

function branches(node: Node): string[] {
  return node.resources.flatMap((child, i) => {
    const isLast = i === node.resources.length - 1;
    const below = branches(child).map((line) => `${isLast ? '    ' : '│   '}${line}`);
    return [`${isLast ? '└── ' : '├── '}${label(child)}`, ...below];
  });
}

function label({ kind, namespace, name, ready, message }: Node): string {
  const state = ready === undefined || ready === 'True' ? '' : `  (not ready: ${message?.split('\n', 1)[0] ?? ''})`;
  return `${kind}/${namespace === '' ? '' : `${namespace}/`}${name}${state}`;
}
