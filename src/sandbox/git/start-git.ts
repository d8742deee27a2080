import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage } from '../../base/error.ts';
import { type Logger, silentLogger } from '../../base/logger.ts';
import { listenHttp } from '../http-listener.ts';
import { authenticateGitUser, type GitUser } from './git-access.ts';
import type { RefUpdate } from './pkt-line.ts';
import { GitRepositories, isRepositoryName } from './repositories.ts';
import { advertiseRefs, type GitService, receivePack, uploadPack } from './smart-http.ts';

/** Refs of one repository that a push has changed. */
export interface GitPush {
  /** Name without `.git`. */
  repository: string;
  user: string;
  updates: RefUpdate[];
}

export interface GitServerOptions {
  dataDir: string;
  users: readonly GitUser[];
  port?: number | undefined;
  /** Where git is looked for, in the form of PATH. */
  searchPath?: string | undefined;
  /** Refs that nobody may push to, as `refs/heads/main`. */
  protectedRefs?: readonly string[] | undefined;
  /** Makes a repository when somebody who may write pushes to a name that does not exist. */
  createOnPush?: boolean | undefined;
  onPush?: ((push: GitPush) => void) | undefined;
  logger?: Logger | undefined;
}

/** A running git server. */
export interface GitServer {
  url: string;
  /** Makes a repository unless it exists; returns its URL. */
  createRepository(name: string, options?: { defaultBranch?: string }): Promise<string>;
  /** Folder of a bare repository on disk; undefined when there is none. */
  repositoryPath(name: string): string | undefined;
  /** From now on no password is taken any more: every request with one is answered with 410, as Bitbucket answers app passwords. */
  retirePasswords(): void;
  /** From now on nobody may push to the ref, `refs/heads/main` for instance, of any repository. */
  protect(ref: string): void;
  close(): Promise<void>;
}

const defaultSearchPath = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin';

/**
 * Serves bare repositories over git's smart HTTP protocol with Basic authentication for everything, by the git binary (git,
 * "gitprotocol-http"). Nothing of the machine's git configuration applies, and no hook runs.
 */
export async function startGit(options: GitServerOptions): Promise<GitServer> {
  const { dataDir, users, port, createOnPush = false, onPush, logger = silentLogger } = options;
  const program = { searchPath: options.searchPath ?? defaultSearchPath };
  const repositories = new GitRepositories(dataDir, program);
  const protectedRefs = new Set(options.protectedRefs);
  let takesPasswords = true;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = parseRoute(request);
    if (!takesPasswords && request.headers.authorization !== undefined)
      return refuse(response, 410, 'Passwords are no longer supported. Use an access token.');
    const user = authenticateGitUser(request.headers.authorization, users);
    if (user === undefined) {
      response.setHeader('www-authenticate', 'Basic realm="git", charset="UTF-8"');
      return refuse(response, 401, 'Authentication required');
    }
    if (route === undefined) return refuse(response, 404, 'Repository not found');
    const { service } = route;
    if (service === 'git-receive-pack' && user.access !== 'write') {
      return refuse(response, 403, `You are not allowed to push to ${route.name}`);
    }
    const wanted = createOnPush && service === 'git-receive-pack' && isRepositoryName(route.name);
    if (wanted) await repositories.create(route.name, 'main');
    const repository = repositories.find(route.name);
    if (repository === undefined) return refuse(response, 404, 'Repository not found');
    const call = { program, repository, service, request, response };
    if (route.kind === 'refs') return advertiseRefs(call);
    if (request.headers['content-type'] !== `application/x-${service}-request`) {
      return refuse(response, 415, 'Unsupported media type');
    }
    if (service === 'git-upload-pack') return uploadPack(call);
    return receivePack(call, {
      refuse: ({ ref }) => (protectedRefs.has(ref) ? 'protected branch hook declined' : undefined),
      onPush: (updates) => onPush?.({ repository: route.name, user: user.name, updates }),
    });
  }

  const listener = await listenHttp(
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        if (!request.destroyed) logger.error('A git request failed', { error: errorMessage(error) });
        if (response.headersSent) response.destroy();
        else refuse(response, 500, 'The request could not be served');
      });
    },
    { what: 'the git server', port },
  );

  return {
    url: listener.url,
    async createRepository(name, { defaultBranch = 'main' } = {}) {
      await repositories.create(name, defaultBranch);
      return `${listener.url}/${name}.git`;
    },
    repositoryPath: (name) => repositories.find(name),
    retirePasswords() {
      takesPasswords = false;
    },
    protect: (ref) => void protectedRefs.add(ref),
    close: () => listener.close(),
  };
}

interface GitRoute {
  kind: 'refs' | 'rpc';
  service: GitService;
  /** Repository without `.git`. */
  name: string;
}

/** The three requests of the smart protocol; the older "dumb" one is not served. */
function parseRoute({ method, url = '/' }: IncomingMessage): GitRoute | undefined {
  const [path = '', query = ''] = url.split('?');
  const [, name = '', action] = /^\/(.+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/.exec(path) ?? [];
  if (action === 'info/refs' && method === 'GET') {
    const service = new URLSearchParams(query).get('service');
    return service === 'git-upload-pack' || service === 'git-receive-pack'
      ? { kind: 'refs', service, name }
      : undefined;
  }
  if (method !== 'POST' || (action !== 'git-upload-pack' && action !== 'git-receive-pack')) return undefined;
  return { kind: 'rpc', service: action, name };
}

function refuse(response: ServerResponse, status: number, message: string): void {
  // The rest of a push that nobody reads would be taken for the next request.
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(`${message}\n`);
}
