import { parseDuration } from '../base/duration.ts';

/** A folder in a git repository, as an entry of `resources` or `components` names it. */
export interface RepositoryReference {
  /** What git is told to clone: `https://host/org/repo`, `git@host:org/repo.git`, … */
  url: string;
  /** Below the root of the repository; '' is the root. */
  dir: string;
  /** Branch, tag or commit; the default branch where there is none. */
  ref?: string;
  timeoutMs: number;
}

const defaultTimeoutMs = 27_000;
const githubHost = /^github\.com[/:]/i;

/**
 * The repository that a reference names, after kustomize's rules: the root ends before `//`, after `.git`, after the name that
 * follows `_git/`, or after two segments. Undefined where it names none.
 */
export function parseRepositoryReference(reference: string): RepositoryReference | undefined {
  if (reference.startsWith('/')) return undefined;
  const question = reference.indexOf('?');
  const location = (question < 0 ? reference : reference.slice(0, question)).replace(/^git::/i, '');
  const host = splitHost(location);
  const root = host === undefined ? undefined : splitRoot(host.rest, host.prefix.startsWith('file://'));
  if (host === undefined || root === undefined || root.repository === '') return undefined;
  const dir = root.dir.replace(/^\/|\/$/g, '');
  if (/^\.\.(?:\/|$)/.test(dir)) return undefined;
  const query = new URLSearchParams(question < 0 ? '' : reference.slice(question + 1));
  const ref = query.get('ref') || query.get('version');
  return {
    url: host.prefix + root.repository,
    dir,
    ...(ref ? { ref } : {}),
    timeoutMs: timeoutOf(query.get('timeout')),
  };
}

/** Whether a reference is an address that could be a single file. */
export function isHttpReference(reference: string): boolean {
  return /^https?:\/\//i.test(reference);
}

/** Whether an entry that is no file here may be something elsewhere. */
export function isRemoteReference(entry: string): boolean {
  return isHttpReference(entry) || parseRepositoryReference(entry) !== undefined;
}

/** `https://host/`, `user@host:` and the like, and what comes after it. */
function splitHost(location: string): { prefix: string; rest: string } | undefined {
  const [, scheme = '', afterScheme = ''] = /^((?:ssh|https?|file):\/\/)?(.*)$/is.exec(location) ?? [];
  if (/^file:/i.test(scheme)) return { prefix: 'file://', rest: afterScheme };
  const [, user = '', rest = ''] = /^([a-z][a-z0-9-]*@)?(.*)$/is.exec(afterScheme) ?? [];
  const isGithub = githubHost.test(rest);
  const isScp = scheme === '' && (user !== '' || isGithub);
  if (scheme === '' && !isScp) return undefined;
  const [host] = (isScp ? /^[^/:]+[/:]/ : /^[^/]+\//).exec(rest) ?? [];
  if (host === undefined) return undefined;
  const after = rest.slice(host.length);
  if (!isGithub) return { prefix: scheme.toLowerCase() + user + host, rest: after };
  const isSsh = /^ssh:/i.test(scheme) || user !== '';
  return { prefix: isSsh ? `${user}github.com:` : 'https://github.com/', rest: after };
}

function splitRoot(path: string, isFile: boolean): { repository: string; dir: string } | undefined {
  const azure = /^(.*?_git\/[^/]*)(?:\/(.*))?$/s.exec(path);
  if (azure !== null) return { repository: azure[1] ?? '', dir: azure[2] ?? '' };
  const marked = path.indexOf('//');
  if (marked >= 0) return { repository: path.slice(0, marked), dir: path.slice(marked + 2) };
  const suffix = path.indexOf('.git');
  if (suffix >= 0) return { repository: path.slice(0, suffix + 4), dir: path.slice(suffix + 4) };
  if (isFile) return { repository: path, dir: '' };
  const segments = path.split('/');
  if (segments.length < 2) return undefined;
  return { repository: segments.slice(0, 2).join('/'), dir: segments.slice(2).join('/') };
}

/** Seconds, or a duration of Go; the default for what is neither. */
function timeoutOf(text: string | null): number {
  if (text === null) return defaultTimeoutMs;
  if (/^[1-9][0-9]*$/.test(text)) return Number(text) * 1000;
  try {
    return parseDuration(text, 'timeout') || defaultTimeoutMs;
  } catch {
    return defaultTimeoutMs;
  }
}
