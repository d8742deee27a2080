import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { loadAll } from 'js-yaml';
import { ImagePolicy } from '../api/image-policy.ts';
import { ImageUpdateAutomation } from '../api/image-update-automation.ts';
import { kindRef } from '../api/kind.ts';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { lintMarkers, type MarkerFinding } from '../images/lint-markers.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { addKubeOptions, withCluster } from './kube-options.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const lint = program.command('lint').description('find what does nothing, before it is missed');
  const markers = lint
    .command('markers [path]')
    .description('setter markers that no automation will follow, with file and line')
    .option('--from-cluster', 'policies and automations are those of the cluster, not those of the tree')
    .addOption(outputOption());
  addKubeOptions(markers)
    .addHelpText(
      'after',
      examples('millrace lint markers', 'millrace lint markers apps --from-cluster', 'millrace lint markers -o json'),
    )
    .action(shell.action(lintTree));
};

/** What markers are held against. */
interface Known {
  policies: ReadonlySet<string>;
  automations: readonly { namespace: string; path: string }[];
}

async function lintTree(
  [path = '.']: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const start = resolve(context.cwd, path);
  if (!existsSync(start)) throw new MillraceError('BAD_INPUT', `${path} does not exist`);
  const root = repositoryRoot(start);
  const texts = await readTree(root);
  const known = options['fromCluster'] === true ? await knownOfCluster(options, context) : knownOfTree(texts);
  const findings: MarkerFinding[] = [];
  let markers = 0;
  for (const [file, text] of texts) {
    if (!isBelow(join(root, file), start)) continue;
    markers += text.split(/\$imagepolicy"?\s*:/).length - 1;
    findings.push(...lintMarkers(file, text, scopeOf(file, known)));
  }
  const lines = findings.map(({ file, line, rule, message }) => `${file}:${line}: ${message} (${rule})`);
  const text = [
    ...lines,
    `${markers} ${markers === 1 ? 'marker' : 'markers'}, ${findings.length === 0 ? 'none' : findings.length} of them with findings`,
  ].join('\n');
  return { data: { markers, findings }, text, exitCode: findings.length === 0 ? exitCodes.ok : exitCodes.failed };
}

/** Without any policy or automation in sight nothing can be said about them. */
function scopeOf(file: string, { policies, automations }: Known) {
  const covering = automations.filter(({ path }) => isBelow(`/${file}`, join('/', path)));
  return {
    ...(policies.size > 0 && { policies }),
    ...(automations.length > 0 && { namespaces: new Set(covering.map(({ namespace }) => namespace)) }),
  };
}

function knownOfTree(texts: ReadonlyMap<string, string>): Known {
  const objects: KubeObject[] = [];
  for (const [file, text] of texts) {
    if (/\.ya?ml$/.test(file) && /kind:\s*(?:ImagePolicy|ImageUpdateAutomation)\b/.test(text))
      objects.push(...parseObjects(text));
  }
  return knownOf(objects);
}

async function knownOfCluster(options: Record<string, unknown>, context: CliContext): Promise<Known> {
  return withCluster(options, context, async ({ client }) => {
    const { signal } = context;
    const policies = await client.list(kindRef(ImagePolicy), { signal });
    const automations = await client.list(kindRef(ImageUpdateAutomation), { signal });
    const withKind = (items: KubeObject[], kind: string) => items.map((item) => ({ ...item, kind }));
    return knownOf([
      ...withKind(policies.items, 'ImagePolicy'),
      ...withKind(automations.items, 'ImageUpdateAutomation'),
    ]);
  });
}

function knownOf(objects: readonly KubeObject[]): Known {
  const namespaceOf = ({ metadata }: KubeObject) => metadata.namespace ?? 'default';
  const policies = objects.filter(({ kind }) => kind === 'ImagePolicy');
  const automations = objects.filter(({ kind }) => kind === 'ImageUpdateAutomation');
  return {
    policies: new Set(policies.map((policy) => `${namespaceOf(policy)}:${policy.metadata.name}`)),
    automations: automations.map((automation) => ({
      namespace: namespaceOf(automation),
      path: updatePath(automation),
    })),
  };
}

function updatePath(automation: KubeObject): string {
  const spec = isRecord(automation['spec']) ? automation['spec'] : {};
  const update = isRecord(spec['update']) ? spec['update'] : {};
  return typeof update['path'] === 'string' ? update['path'] : '';
}

/** Objects of a manifest; a file that does not parse is the linter's finding, not this function's. */
function parseObjects(text: string): KubeObject[] {
  try {
    return loadAll(text).filter((value): value is KubeObject => isRecord(value) && isRecord(value['metadata']));
  } catch {
    return [];
  }
}

/** The folder with `.git` above a path: what `spec.update.path` is relative to. */
function repositoryRoot(start: string): string {
  for (let dir = start; ; dir = dirname(dir)) {
    if (existsSync(join(dir, '.git'))) return dir;
    if (dirname(dir) === dir) return start;
  }
}

async function readTree(root: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const walk = async (dir: string): Promise<void> => {
    const entries = await readdir(dir, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(dir, entry.name);
      if (entry.isDirectory() && entry.name !== '.git' && entry.name !== 'node_modules') await walk(path);
      else if (entry.isFile() && /\.(?:ya?ml|json|tpl)$|^Kustomization$/.test(entry.name)) {
        texts.set(relative(root, path), await readFile(path, 'utf8'));
      }
    }
  };
  await walk(root);
  return texts;
}

function isBelow(path: string, dir: string): boolean {
  return path === dir || path.startsWith(dir.endsWith('/') ? dir : `${dir}/`);
}
