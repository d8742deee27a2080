import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withDeadline } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import { listRemoteRefs } from '../git/ls-remote.ts';
import type { Git } from '../git/program.ts';
import { isObjectId } from '../git/ref-name.ts';
import { type GitRemote, parseRemoteUrl } from '../git/remote.ts';
import { cloneWorkTree } from '../git/work-tree.ts';
import type { HttpClient } from '../http/http-client.ts';
import { diskFileSystem } from '../kustomize/file-system.ts';
import type { RemoteContent } from '../kustomize/remote-content.ts';
import { isHttpReference, parseRepositoryReference, type RepositoryReference } from '../kustomize/remote-reference.ts';
import type { FetchRemote } from '../kustomize/remotes.ts';

export interface RemoteBasesDeps {
  git: Git;
  http: HttpClient;
  signal: AbortSignal;
}

const mostFileBytes = 50_000_000;
const mostCloneBytes = 256 * 1024 * 1024;
const fileTimeoutMs = 30_000;

/**
 * Gets the remote bases of builds as kustomize does: files over HTTP, folders of repositories with git, over HTTP too and with no
 * credentials but those of the URL. What was cloned is there until `work` has ended.
 */
export async function withRemoteBases<T>(deps: RemoteBasesDeps, work: (fetch: FetchRemote) => Promise<T>): Promise<T> {
  const clonesDir = await mkdtemp(join(tmpdir(), 'millrace-remote-'));
  let clones = 0;
  try {
    return await work(async (reference) => {
      const repository = parseRepositoryReference(reference);
      const file = isFileReference(reference) ? await readFileAt(reference, deps) : undefined;
      if (file?.content !== undefined) return { kind: 'file', content: file.content };
      if (repository === undefined) throw notRead(reference, file?.why ?? 'it names neither a file nor a repository');
      // The name of a manifest that a server does not have is a typing error sooner than a repository.
      if (file !== undefined && /\.ya?ml$/.test(repository.dir)) throw notRead(reference, file.why);
      return cloneFolder(reference, repository, join(clonesDir, String(clones++)), deps);
    });
  } finally {
    await rm(clonesDir, { recursive: true, force: true });
  }
}

/** False for what says by `//`, `.git`, `_git/` or a revision that it is a repository. */
function isFileReference(reference: string): boolean {
  return isHttpReference(reference) && !/[^:]\/\/|\.git(?:[/?]|$)|_git\/|[?&](?:ref|version)=/.test(reference);
}

type FileAnswer = { content: Buffer } | { content?: undefined; why: string };

async function readFileAt(url: string, { http, signal }: RemoteBasesDeps): Promise<FileAnswer> {
  const { url: plainUrl, username, password = '' } = parseRemoteUrl(url);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const headers: Record<string, string> = username === undefined ? {} : { authorization };
  return withDeadline(signal, fileTimeoutMs, `the fetch of ${plainUrl}`, async (limited) => {
    const response = await http.send({ url: plainUrl, headers, signal: limited, redirects: 5 });
    const isPage = response.headers['content-type']?.startsWith('text/html') === true;
    if (response.status >= 200 && response.status < 300 && !isPage)
      return { content: await response.bytes(mostFileBytes) };
    await response.discard();
    return { why: isPage ? 'the server answers with a web page' : `the server answers ${response.status}` };
  });
}

async function cloneFolder(
  reference: string,
  { url, dir, ref, timeoutMs }: RepositoryReference,
  into: string,
  { git, signal }: RemoteBasesDeps,
): Promise<RemoteContent> {
  if (!isHttpReference(url))
    throw new MillraceError('KUSTOMIZE_BUILD_FAILED', `the remote base '${reference}' is not read over HTTP`, {
      hint: 'Remote bases are fetched without keys; make it a source of its own, or commit a copy.',
      retry: 'never',
    });
  const { url: plainUrl, username, password = '' } = parseRemoteUrl(url);
  const auth: GitRemote['auth'] = username === undefined ? { kind: 'none' } : { kind: 'basic', username, password };
  const remote = { url: plainUrl, auth };
  return withDeadline(signal, timeoutMs, `the clone of ${plainUrl}`, async (limited) => {
    const source = await resolveRef(git, remote, ref, limited);
    const { dir: tree } = await cloneWorkTree(git, remote, {
      signal: limited,
      dir: into,
      source,
      maxBytes: mostCloneBytes,
    });
    return {
      kind: 'folder',
      fs: diskFileSystem(tree),
      dir,
      repository: plainUrl,
      ...(ref === undefined ? {} : { ref }),
    };
  });
}

/** What to fetch for a name, as `git fetch` takes it: a commit, a tag before a branch. */
async function resolveRef(git: Git, remote: GitRemote, ref = 'HEAD', signal: AbortSignal): Promise<string> {
  if (isObjectId(ref)) return ref;
  const candidates = [ref, `refs/${ref}`, `refs/tags/${ref}`, `refs/heads/${ref}`];
  const refs = await listRemoteRefs(git, remote, candidates, signal);
  const found = candidates.find((name) => refs.has(name));
  if (found === undefined) throw notRead(remote.url, `it has no branch, tag or commit '${ref}'`);
  return refs.get(found)?.commit ?? found;
}

function notRead(reference: string, why: string): MillraceError {
  return new MillraceError('KUSTOMIZE_BUILD_FAILED', `the remote base '${reference}' cannot be read: ${why}`);
}
