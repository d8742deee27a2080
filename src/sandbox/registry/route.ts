import { repositoryNamePattern } from './repository-store.ts';

/** What a path of the distribution API is about. */
export type Route =
  | { kind: 'ping' }
  | { kind: 'catalog' }
  | { kind: 'tags'; repository: string }
  | { kind: 'manifest'; repository: string; reference: string }
  | { kind: 'blob'; repository: string; digest: string }
  | { kind: 'uploads'; repository: string }
  | { kind: 'upload'; repository: string; id: string }
  | { kind: 'referrers'; repository: string; digest: string };

const patterns: [RegExp, (repository: string, rest: string) => Route][] = [
  [/^(.+)\/tags\/list()$/, (repository) => ({ kind: 'tags', repository })],
  [/^(.+)\/manifests\/([^/]+)$/, (repository, reference) => ({ kind: 'manifest', repository, reference })],
  [/^(.+)\/blobs\/uploads\/?()$/, (repository) => ({ kind: 'uploads', repository })],
  [/^(.+)\/blobs\/uploads\/([^/]+)$/, (repository, id) => ({ kind: 'upload', repository, id })],
  [/^(.+)\/blobs\/([^/]+)$/, (repository, digest) => ({ kind: 'blob', repository, digest })],
  [/^(.+)\/referrers\/([^/]+)$/, (repository, digest) => ({ kind: 'referrers', repository, digest })],
];

/** Reads a decoded path; undefined when it is none of the API's. */
export function parseRoute(path: string): Route | undefined {
  if (path === '/v2/' || path === '/v2') return { kind: 'ping' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  if (!path.startsWith('/v2/')) return undefined;
  for (const [pattern, route] of patterns) {
    const [, repository, rest = ''] = pattern.exec(path.slice('/v2/'.length)) ?? [];
    if (repository !== undefined && repositoryNamePattern.test(repository)) return route(repository, rest);
  }
  return undefined;
}
