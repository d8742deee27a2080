import type { ImageUpdateAutomation } from '../../../api/image-update-automation.ts';
import { MillraceError } from '../../../base/error.ts';
import type { GitAuth } from '../../../git/remote.ts';
import type { HttpClient } from '../../../http/http-client.ts';
import { gitHostAnnotation, gitHostApiAnnotation } from '../annotations.ts';
import { authorizationOf } from './api-auth.ts';
import { createBitbucket } from './bitbucket.ts';
import { createGithub } from './github.ts';
import { createGitlab } from './gitlab.ts';
import { createRestClient } from './rest-client.ts';

/** What a pull request is to say. */
export interface PullRequest {
  /** Branch names, without `refs/heads/`. */
  source: string;
  target: string;
  title: string;
  body: string;
}

export interface OpenedPullRequest {
  /** Address for people. */
  url: string;
  isNew: boolean;
}

/** A host of git repositories that has pull requests (merge requests). */
export interface GitHost {
  /** Opens a pull request, or brings the open one between the same branches up to date. */
  ensurePullRequest(wanted: PullRequest, signal: AbortSignal): Promise<OpenedPullRequest>;
}

const makers = { github: createGithub, gitlab: createGitlab, bitbucket: createBitbucket };
export type GitHostName = keyof typeof makers;

/** The host of an automation's repository: by annotation, else by the name of its server. Throws GIT_HOST_UNKNOWN and GIT_HOST_CREDENTIAL. */
export function gitHostOf(automation: ImageUpdateAutomation, url: string, auth: GitAuth, http: HttpClient): GitHost {
  const { hostname: server, pathname } = new URL(url);
  // Their SSH through port 443 has names of its own: ssh.github.com, altssh.gitlab.com.
  const hostname = server.replace(/^(?:alt)?ssh\./, '');
  const name = automation.metadata.annotations?.[gitHostAnnotation] ?? guessHost(hostname);
  if (name === undefined || !Object.hasOwn(makers, name)) {
    throw new MillraceError('GIT_HOST_UNKNOWN', `which kind of git host ${hostname} is, is not known`, {
      hint: `Set the annotation ${gitHostAnnotation} to ${Object.keys(makers).join(', ')}.`,
    });
  }
  const path = pathname.replace(/^\/+|(?:\.git)?\/*$/g, '');
  const api = automation.metadata.annotations?.[gitHostApiAnnotation];
  return makers[name as GitHostName]({
    hostname,
    path,
    api,
    rest: createRestClient(http, authorizationOf(name, auth)),
  });
}

function guessHost(hostname: string): GitHostName | undefined {
  return (Object.keys(makers) as GitHostName[]).find((name) => hostname.includes(name));
}
