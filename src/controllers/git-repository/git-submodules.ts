import { MillraceError } from '../../base/error.ts';
import type { ObjectReaders } from '../../git/objects.ts';
import { mustRun } from '../../git/program.ts';
import { type GitRemote, originOf, parseRemoteUrl } from '../../git/remote.ts';
import { readTree, type TreeEntry } from '../../git/tree.ts';
import type { ContentEntry } from '../source/content.ts';
import { type CheckoutPlace, fetchPinned, readCommit } from './git-checkout.ts';
import { contentOf, replaceFolder } from './git-content.ts';

const deepest = 10;

export interface TreeOptions {
  place: CheckoutPlace;
  readers: ObjectReaders;
  gitDir: string;
  /** Hash of the tree. */
  tree: string;
  recurseSubmodules: boolean;
  /** Gathers the paths of symbolic links, which have no place in an artifact. */
  links: string[];
}

/** The content of a tree; with its submodules, at the commits it names, where that is asked for. */
export async function readContent(options: TreeOptions, depth = 0): Promise<ContentEntry[]> {
  const { place, readers, gitDir, tree, recurseSubmodules, links } = options;
  const entries = await readTree(readers.of(gitDir), tree);
  for (const { kind, path } of entries) if (kind === 'symlink') links.push(path);
  let content = contentOf(entries, gitDir);
  if (!recurseSubmodules) return content;
  const submodules = entries.filter(({ kind }) => kind === 'submodule');
  if (submodules.length === 0) return content;
  if (depth >= deepest) throw unusable(`submodules are nested deeper than ${deepest}`);
  const urls = await readSubmoduleUrls(options, entries);
  for (const { path, oid } of submodules) {
    const url = urls.get(path);
    if (url === undefined) throw unusable(`no URL is given for the submodule '${path}' in .gitmodules`);
    const remote = submoduleRemote(place.remote, url);
    const { mirror } = await fetchPinned({ ...place, remote }, { commit: oid });
    const commit = await readCommit(readers.of(mirror.gitDir), oid);
    const innerLinks: string[] = [];
    const inner = await readContent(
      { ...options, place: { ...place, remote }, gitDir: mirror.gitDir, tree: commit.tree, links: innerLinks },
      depth + 1,
    );
    for (const link of innerLinks) links.push(`${path}/${link}`);
    content = replaceFolder(content, path, below(path, inner));
  }
  return content;
}

/**
 * Where a submodule is, with the credentials of its parent if that is the same server: a file in a repository must not be
 * able to send them elsewhere. An SSH key may go along, since it is never shown to a server.
 */
function submoduleRemote(parent: GitRemote, text: string): GitRemote {
  const { url, scheme } = parseRemoteUrl(resolveUrl(parent.url, text));
  if (scheme === 'ssh') return { ...parent, url, auth: parent.auth.kind === 'ssh' ? parent.auth : { kind: 'none' } };
  if (originOf(url) === originOf(parent.url)) return { ...parent, url };
  const { ca } = parent.tls ?? {};
  return {
    url,
    auth: { kind: 'none' },
    ...(ca === undefined ? {} : { tls: { ca } }),
    ...(parent.proxy === undefined ? {} : { proxy: parent.proxy }),
  };
}

/** Relative URLs start from the parent's; `git@host:path` is SSH. */
function resolveUrl(parent: string, text: string): string {
  if (/^\.\.?\//.test(text)) return new URL(text, `${parent.replace(/\/+$/, '')}/`).href.replace(/\/+$/, '');
  const short = /^([\w.-]+@[\w.-]+):(?!\/\/)(.*)$/.exec(text);
  return short === null ? text : `ssh://${short[1]}/${short[2]?.replace(/^\/+/, '')}`;
}

async function readSubmoduleUrls(
  { place, gitDir }: TreeOptions,
  entries: readonly TreeEntry[],
): Promise<Map<string, string>> {
  const file = entries.find(({ path, kind }) => path === '.gitmodules' && (kind === 'file' || kind === 'executable'));
  if (file === undefined) return new Map();
  const args = ['config', '-z', '--no-includes', '--blob', file.oid, '--get-regexp', '^submodule\\.'];
  const output = await mustRun(place.git, args, { gitDir, signal: place.signal });
  const modules = new Map<string, { path?: string; url?: string }>();
  for (const entry of output.toString('utf8').split('\0')) {
    const newline = entry.indexOf('\n');
    const [, name, key] = /^submodule\.(.*)\.(path|url)$/s.exec(entry.slice(0, newline)) ?? [];
    if (name === undefined || key === undefined) continue;
    modules.set(name, { ...modules.get(name), [key]: entry.slice(newline + 1) });
  }
  const urls = new Map<string, string>();
  for (const { path, url } of modules.values()) if (path !== undefined && url !== undefined) urls.set(path, url);
  return urls;
}

function below(folder: string, entries: readonly ContentEntry[]): ContentEntry[] {
  const prefix = Buffer.from(`${folder}/`);
  return entries.map((entry) => ({
    ...entry,
    path: `${folder}/${entry.path}`,
    ...(entry.rawPath === undefined ? {} : { rawPath: Buffer.concat([prefix, entry.rawPath]) }),
  }));
}

function unusable(message: string): MillraceError {
  return new MillraceError('GIT_SUBMODULE_INVALID', message, { hint: 'Check .gitmodules, or spec.recurseSubmodules.' });
}
