import { parsePushEvent } from '../../aws/push-event.ts';
import { isRecord } from '../../base/json.ts';
import type { Pushed } from '../image-repository/wake-by-push.ts';
import type { HookSender } from './hook-signature.ts';

/** Commits were pushed to a branch; the repository by all the addresses that the host has for it. */
export interface GitPushed {
  urls: string[];
  branches: string[];
}

export interface HookEvents {
  images: Pushed[];
  commits: GitPushed[];
}

/** What a hook's body tells; nothing for events that are of no concern. Throws SyntaxError for what is no JSON. */
export function parseHookEvents(sender: HookSender, body: string): HookEvents {
  const event: unknown = body === '' ? {} : JSON.parse(body);
  if (sender === 'ecr') {
    const push = parsePushEvent(body);
    return { images: push === undefined ? [] : [push], commits: [] };
  }
  if (sender === 'registry') return { images: registryPushes(event), commits: [] };
  if (sender === 'bitbucket') return { images: [], commits: bitbucketPush(event) };
  if (sender === 'generic') return genericEvents(event);
  return { images: [], commits: githubOrGitlabPush(event) };
}

/** Docker distribution's notifications. */
function registryPushes(event: unknown): Pushed[] {
  return list(field(event, 'events')).flatMap((item) => {
    const repository = text(field(item, 'target', 'repository'));
    const tag = text(field(item, 'target', 'tag'));
    const host = text(field(item, 'request', 'host'));
    if (field(item, 'action') !== 'push' || repository === '' || tag === '' || host === '') return [];
    return [{ host, repository, tag }];
  });
}

function githubOrGitlabPush(event: unknown): GitPushed[] {
  const branch = /^refs\/heads\/(.+)$/.exec(text(field(event, 'ref')))?.[1];
  const places = [field(event, 'repository'), field(event, 'project')];
  const names = ['clone_url', 'ssh_url', 'html_url', 'git_http_url', 'git_ssh_url', 'web_url'];
  const urls = places.flatMap((place) => names.map((name) => text(field(place, name)))).filter((url) => url !== '');
  return branch === undefined || urls.length === 0 ? [] : [{ urls, branches: [branch] }];
}

function bitbucketPush(event: unknown): GitPushed[] {
  const changes = list(field(event, 'push', 'changes'));
  const branches = changes.map((change) => text(field(change, 'new', 'name'))).filter((name) => name !== '');
  const url = text(field(event, 'repository', 'links', 'html', 'href'));
  return branches.length === 0 || url === '' ? [] : [{ urls: [url], branches }];
}

/** Our own form, for anything else: `{"image": "host/name", "tag"}` or `{"git": "https://…", "branch"}`. */
function genericEvents(event: unknown): HookEvents {
  const [, host, repository] = /^([^/]+)\/(.+)$/.exec(text(field(event, 'image'))) ?? [];
  const tag = text(field(event, 'tag'));
  const git = text(field(event, 'git'));
  const branch = text(field(event, 'branch'));
  return {
    images: host === undefined || repository === undefined ? [] : [{ host, repository, tag }],
    commits: git === '' || branch === '' ? [] : [{ urls: [git], branches: [branch] }],
  };
}

function field(value: unknown, ...path: string[]): unknown {
  let current = value;
  for (const key of path) current = isRecord(current) ? current[key] : undefined;
  return current;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
