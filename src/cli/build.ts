import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { isMillraceError, MillraceError } from '../base/error.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { type BuildOptions, buildObjects, printObjects } from '../kustomize/build.ts';
import { diskFileSystem } from '../kustomize/file-system.ts';
import { KubernetesSchema } from '../kustomize/kubernetes-schema.ts';
import { buildObjectsWithRemotes } from '../kustomize/remotes.ts';
import { examples, type Shell } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';

const restrictors = { LoadRestrictionsRootOnly: 'rootOnly', LoadRestrictionsNone: 'none', none: 'none' } as const;

/** What kustomize can be told to run, and we do not: a build here is a function of its files. */
const refused: Readonly<Record<string, string>> = {
  'enable-helm': 'Render the chart in CI and commit the result, or install it with a HelmRelease.',
  'enable-alpha-plugins': 'Plugins that are programs are not run; the builtin ones need no flag.',
  'enable-exec': 'Functions that are programs are not run.',
};

export function register(program: Command, shell: Shell): void {
  const command = program
    .command('build')
    .argument('[dir]', 'folder with a kustomization file', '.')
    .description('build a kustomization and print its objects, as kustomize build does')
    .option(
      '-o, --output <path>',
      'write to this file, or a file an object into this folder, instead of standard output',
    )
    .addOption(
      new Option('--load-restrictor <name>', 'how far from its folder a kustomization may name files')
        .choices(Object.keys(restrictors))
        .default('LoadRestrictionsRootOnly'),
    )
    .addOption(
      new Option('--reorder <order>', "order of the objects where there are no 'sortOptions'").choices([
        'legacy',
        'none',
      ]),
    )
    .option('--allow-remote-bases', 'fetch bases and files of other hosts, over HTTP and with git')
    .option('--root <dir>', 'folder that bases may not leave (default: the repository around dir, or the whole disk)');
  for (const [name, why] of Object.entries(refused)) {
    command.addOption(new Option(`--${name}`, `refused: ${why}`));
  }
  command
    .addHelpText(
      'after',
      examples(
        'millrace build apps/mainapp',
        'millrace build overlays/prod -o prod.yaml',
        'millrace build overlays/prod --load-restrictor LoadRestrictionsNone',
        'millrace build overlays/prod --allow-remote-bases',
      ),
    )
    .action(shell.action(async ([dir], options, context) => runBuild(dir ?? '.', options, context)));
}

async function runBuild(dir: string, options: Record<string, unknown>, context: CliContext): Promise<CommandResult> {
  const { cwd } = context;
  refuseFlags(options);
  const folder = resolve(cwd, dir);
  if (!isFolder(folder))
    throw new MillraceError('KUSTOMIZE_BUILD_FAILED', `'${dir}' is not a folder`, { retry: 'never' });
  const root = typeof options['root'] === 'string' ? resolve(cwd, options['root']) : repositoryAround(folder);
  const objects = await buildFrom(root, folder, dir, options, context);
  if (typeof options['output'] !== 'string') return { text: printObjects(objects) };
  const output = resolve(cwd, options['output']);
  if (isFolder(output)) await writeEach(output, objects);
  else await writeOutput(output, printObjects(objects));
  return {};
}

function refuseFlags(options: Record<string, unknown>): void {
  for (const [name, why] of Object.entries(refused)) {
    const key = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    if (options[key] !== true) continue;
    throw new MillraceError('BAD_INPUT', `--${name} is not supported`, { hint: why, retry: 'never' });
  }
}

async function buildFrom(
  root: string,
  folder: string,
  dir: string,
  options: Record<string, unknown>,
  context: CliContext,
): Promise<KubeObject[]> {
  const inside = relative(root, folder);
  const asTyped = pathsAsTyped({ root, inside, dir, cwd: context.cwd });
  const { loadRestrictor, reorder } = options as {
    loadRestrictor: keyof typeof restrictors;
    reorder?: 'legacy' | 'none';
  };
  const request: BuildOptions = {
    fs: diskFileSystem(root),
    dir: inside,
    loadRestrictor: restrictors[loadRestrictor],
    ...(reorder !== undefined && { reorder }),
    warn: (message) => context.stderr.write(`warning: ${asTyped(message)}\n`),
  };
  try {
    return options['allowRemoteBases'] === true ? await buildWithRemotes(request, context) : buildObjects(request);
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    const { code, hint } = error;
    throw new MillraceError(code, asTyped(error.message), { cause: error, retry: 'never', ...(hint && { hint }) });
  }
}

/** The engine names files from the root; a user knows them from the folder that was typed, or from where it was typed. */
function pathsAsTyped({ root, inside, dir, cwd }: Record<'root' | 'inside' | 'dir' | 'cwd', string>) {
  const here = relative(root, cwd);
  const typed = dir.replace(/\/+$/, '');
  const [top = ''] = inside.split('/');
  return (text: string) => {
    if (inside === '') return text;
    const fromFolder = text.replaceAll(`${inside}/`, `${typed}/`).replaceAll(`${inside}: `, `${typed}: `);
    const fromHere = here === '' || here.startsWith('..') ? fromFolder : replacePath(fromFolder, `${here}/`, '');
    return root === '/' ? replacePath(fromHere, `${top}/`, `/${top}/`) : fromHere;
  };
}

/** Replaces the beginnings of paths, not their middles. */
function replacePath(text: string, start: string, by: string): string {
  return text.replaceAll(start, (found, at: number) => (/[\w./-]/.test(text.charAt(at - 1)) ? found : by));
}

/** Loads what fetches only here: a build of local files starts faster without it. */
async function buildWithRemotes(request: BuildOptions, { env, signal }: CliContext): Promise<KubeObject[]> {
  const [{ withRemoteBases }, { gitOf }, { createHttpClient }, { proxyFromEnv }] = await Promise.all([
    import('./remote-bases.ts'),
    import('./git-of.ts'),
    import('../http/http-client.ts'),
    import('../http/proxy.ts'),
  ]);
  const proxy = proxyFromEnv(env);
  const http = createHttpClient(proxy === undefined ? {} : { proxy });
  try {
    const deps = { git: gitOf(env), http, signal };
    return await withRemoteBases(deps, (fetch) => buildObjectsWithRemotes(request, fetch));
  } finally {
    await http.close({ force: true });
  }
}

/** A file an object, named as kustomize names them: group, version, kind and name; the namespace before them where there are several. */
async function writeEach(folder: string, objects: readonly KubeObject[]): Promise<void> {
  const schema = new KubernetesSchema();
  const namespaceOf = ({ apiVersion, kind, metadata }: KubeObject) =>
    schema.isClusterScoped(apiVersion, kind) ? undefined : metadata.namespace || 'default';
  const severalNamespaces = new Set(objects.flatMap((object) => namespaceOf(object) ?? [])).size > 1;
  for (const object of objects) {
    const { apiVersion, kind, metadata } = object;
    const identity = `${apiVersion.replace('/', '_')}_${kind}_${metadata.name}`;
    const namespace = severalNamespaces ? namespaceOf(object) : undefined;
    const file = namespace === undefined ? identity : `${namespace}_${identity}`;
    await writeOutput(join(folder, `${file.toLowerCase()}.yaml`), printObjects([object]));
  }
}

async function writeOutput(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `cannot write ${path}: ${(cause as Error).message}`, {
      cause,
      retry: 'never',
    });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The nearest folder with a `.git`; the root of the disk where there is none. */
function repositoryAround(folder: string): string {
  for (let current = folder; ; current = dirname(current)) {
    if (statSync(resolve(current, '.git'), { throwIfNoEntry: false }) !== undefined) return current;
    if (dirname(current) === current) return current;
  }
}
