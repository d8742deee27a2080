import { readFile } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { load } from 'js-yaml';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { Credentials, ExecPlugin, KubeConfig } from './config.ts';
import { inClusterConfig, isInCluster } from './in-cluster.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface LoadOptions {
  /** The file of `--kubeconfig`; default: the files of KUBECONFIG, then in-cluster, then ~/.kube/config. */
  path?: string;
  context?: string;
  env: Env;
}

/**
 * Loads the configuration as kubectl does: `--kubeconfig`, the merged files of KUBECONFIG, `~/.kube/config`; inside a pod
 * without any of them the ServiceAccount's. Throws KUBECONFIG_INVALID with the file and entry at fault.
 */
export async function loadKubeConfig({ path, context, env }: LoadOptions): Promise<KubeConfig> {
  const fromEnv = env['KUBECONFIG'];
  if (path === undefined && !fromEnv && isInCluster(env)) return inClusterConfig(env);
  const asked = path === undefined ? fromEnv?.split(delimiter).filter((file) => file !== '') : [path];
  const files = asked ?? [join(env['HOME'] ?? env['USERPROFILE'] ?? '.', '.kube', 'config')];
  const documents: KubeconfigFile[] = [];
  for (const file of files) {
    const text = await readOptional(file);
    // As kubectl: a missing file of the list is skipped, one named by the flag is not.
    if (text !== undefined) documents.push({ file, dir: dirname(file), content: parse(text, file) });
    else if (path !== undefined) throw invalid(file, 'the file does not exist');
  }
  if (documents.length === 0) {
    throw new MillraceError('KUBECONFIG_INVALID', `No kubeconfig found: ${files.join(', ')} does not exist`, {
      hint: 'Name one with --kubeconfig or KUBECONFIG; `aws eks update-kubeconfig` or `millrace up` write one.',
      retry: 'never',
    });
  }
  return resolveContext(documents, { env, allowFiles: true, allowExec: true, ...(context ? { context } : {}) });
}

/**
 * A kubeconfig that came as text from a Secret: it must be self-contained. Files of this machine are refused, and so are
 * credential plugins (code chosen by whoever may write the Secret) unless allowed.
 */
export function parseKubeConfig(
  text: string,
  options: { where: string; context?: string; allowExec?: boolean; env?: Env },
): Promise<KubeConfig> {
  const document = { file: options.where, dir: '.', content: parse(text, options.where) };
  return resolveContext([document], {
    env: options.env ?? {},
    allowFiles: false,
    allowExec: options.allowExec ?? false,
    ...(options.context === undefined ? {} : { context: options.context }),
  });
}

interface KubeconfigFile {
  file: string;
  /** Relative paths in the file start here. */
  dir: string;
  content: Record<string, unknown>;
}

interface ResolveOptions {
  context?: string;
  env: Env;
  allowFiles: boolean;
  allowExec: boolean;
}

type Entry = { file: string; dir: string; value: Record<string, unknown> };

async function resolveContext(documents: KubeconfigFile[], options: ResolveOptions): Promise<KubeConfig> {
  const name = options.context ?? documents.map(({ content }) => text(content['current-context'])).find(Boolean);
  const where = documents.map(({ file }) => file).join(', ');
  if (name === undefined) throw invalid(where, 'no current-context is set and none was asked for');
  const context = findEntry(documents, 'contexts', 'context', name, where);
  const clusterName = text(context.value['cluster']) ?? '';
  const cluster = findEntry(documents, 'clusters', 'cluster', clusterName, where);
  const userName = text(context.value['user']);
  const user = userName === undefined ? undefined : findEntry(documents, 'users', 'user', userName, where);
  const server = text(cluster.value['server']);
  if (server === undefined) throw invalid(cluster.file, `cluster '${clusterName}' has no server`);

  const ca = await dataOrFile(cluster, 'certificate-authority', options);
  const tlsServerName = text(cluster.value['tls-server-name']);
  const proxyUrl = text(cluster.value['proxy-url']);
  const actAs = text(user?.value['as']);
  return {
    name,
    server: server.replace(/\/+$/, ''),
    ...(ca === undefined ? {} : { ca }),
    ...(cluster.value['insecure-skip-tls-verify'] === true ? { insecureSkipTlsVerify: true } : {}),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
    namespace: text(context.value['namespace']) ?? 'default',
    credentials: user === undefined ? { kind: 'none' } : await credentialsOf(user, cluster, ca, options),
    ...(actAs === undefined ? {} : { impersonate: { user: actAs, groups: texts(user?.value['as-groups']) } }),
  };
}

async function credentialsOf(
  user: Entry,
  cluster: Entry,
  ca: string | undefined,
  options: ResolveOptions,
): Promise<Credentials> {
  const { value } = user;
  if (isRecord(value['exec'])) {
    if (!options.allowExec) throw invalid(user.file, 'credential plugins (exec) are not allowed here');
    return { kind: 'exec', exec: execPlugin(value['exec'], user, cluster, ca, options.env) };
  }
  const cert = await dataOrFile(user, 'client-certificate', options);
  const key = await dataOrFile(user, 'client-key', options);
  if (cert !== undefined && key !== undefined) return { kind: 'certificate', cert, key };
  const tokenFile = text(value['tokenFile']);
  if (tokenFile !== undefined) {
    if (!options.allowFiles) throw invalid(user.file, 'tokenFile is not allowed here');
    return { kind: 'token-file', path: absolute(tokenFile, user.dir) };
  }
  const token = text(value['token']);
  if (token !== undefined) return { kind: 'token', token };
  const username = text(value['username']);
  if (username !== undefined) return { kind: 'basic', username, password: text(value['password']) ?? '' };
  if (value['auth-provider'] !== undefined) {
    throw invalid(user.file, 'auth-provider users are no longer supported by Kubernetes; use an exec plugin');
  }
  return { kind: 'none' };
}

function execPlugin(
  exec: Record<string, unknown>,
  user: Entry,
  cluster: Entry,
  ca: string | undefined,
  env: Env,
): ExecPlugin {
  const command = text(exec['command']);
  if (command === undefined) throw invalid(user.file, 'the exec plugin has no command');
  const extra = Array.isArray(exec['env']) ? exec['env'].filter(isRecord) : [];
  const inherited = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const added = extra.map((pair) => [String(pair['name']), String(pair['value'] ?? '')]);
  const installHint = text(exec['installHint']);
  const clusterInfo = {
    server: cluster.value['server'],
    ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
  };
  return {
    apiVersion: text(exec['apiVersion']) ?? 'client.authentication.k8s.io/v1',
    // As kubectl: a path with a separator is relative to the file, a bare name is looked up in PATH.
    command: /[\\/]/.test(command) ? absolute(command, user.dir) : command,
    args: texts(exec['args']),
    env: Object.fromEntries([...inherited, ...added]),
    ...(installHint === undefined ? {} : { installHint }),
    ...(exec['provideClusterInfo'] === true ? { cluster: clusterInfo } : {}),
  };
}

/** The first file that has an entry wins, as in kubectl's merge. */
function findEntry(documents: KubeconfigFile[], list: string, field: string, name: string, where: string): Entry {
  for (const { file, dir, content } of documents) {
    const entries = Array.isArray(content[list]) ? content[list] : [];
    const found = entries.filter(isRecord).find((entry) => entry['name'] === name);
    if (found !== undefined) return { file, dir, value: isRecord(found[field]) ? found[field] : {} };
  }
  throw invalid(where, `there is no ${field} '${name}'`);
}

/** `<field>-data` (base64) before the file named by `<field>`. */
async function dataOrFile(entry: Entry, field: string, { allowFiles }: ResolveOptions): Promise<string | undefined> {
  const data = text(entry.value[`${field}-data`]);
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const file = text(entry.value[field]);
  if (file === undefined) return undefined;
  if (!allowFiles) throw invalid(entry.file, `${field} names a file; only ${field}-data is allowed here`);
  const content = await readOptional(absolute(file, entry.dir));
  if (content === undefined) throw invalid(entry.file, `${field}: ${file} does not exist`);
  return content;
}

function parse(source: string, file: string): Record<string, unknown> {
  try {
    const content = load(source);
    if (isRecord(content)) return content;
  } catch (cause) {
    // The parser's message quotes the line at fault, which may be a token.
    throw invalid(file, 'it is not valid YAML', cause);
  }
  throw invalid(file, 'it is not a kubeconfig');
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw invalid(file, 'the file cannot be read', cause);
  }
}

function invalid(file: string, what: string, cause?: unknown): MillraceError {
  return new MillraceError('KUBECONFIG_INVALID', `kubeconfig ${file}: ${what}`, { cause, retry: 'never' });
}

function absolute(path: string, dir: string): string {
  return isAbsolute(path) ? path : join(dir, path);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
