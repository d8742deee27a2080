import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { secretOf } from '../../../../test/support/embedded-cluster.ts';
import { runGit } from '../../../../test/support/git-repository.ts';
import { type ImageStage, putAutomation, startImageStage } from '../../../../test/support/image-stage.ts';
import { createHttpClient } from '../../../http/http-client.ts';
import {
  gitHostAnnotation,
  gitHostApiAnnotation,
  gitHostSecretAnnotation,
  pullRequestAnnotation,
} from '../annotations.ts';
import { authorizationOf } from './api-auth.ts';
import { gitHostOf } from './git-host.ts';

interface Call {
  line: string;
  body: Record<string, unknown>;
  authorization: string | undefined;
}

/** A git host's API in the shapes that its documentation shows; `open` is what it has. */
interface HostDouble {
  url: string;
  calls: Call[];
  open: boolean;
  failing: boolean;
  server: Server;
}

let host: HostDouble;
beforeEach(async () => {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const { pathname } = new URL(request.url ?? '', 'http://host');
    host.calls.push({
      line: `${request.method} ${pathname}`,
      body: body === '' ? {} : JSON.parse(body),
      authorization: request.headers.authorization,
    });
    if (host.failing) return response.writeHead(403).end('{"message":"Resource not accessible by token"}');
    const item = {
      number: 7,
      iid: 7,
      id: 7,
      html_url: 'https://host/pr/7',
      web_url: 'https://host/pr/7',
      links: { html: { href: 'https://host/pr/7' } },
    };
    const list = host.open ? [item] : [];
    const isBitbucket = pathname.includes('/pullrequests');
    const answer = request.method === 'GET' ? (isBitbucket ? { values: list } : list) : item;
    if (request.method === 'POST') host.open = true;
    return response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  host = { url, calls: [], open: false, failing: false, server };
});
afterEach(() => {
  host.server.close();
  host.server.closeAllConnections();
});

let stage: ImageStage;
beforeAll(async () => {
  stage = await startImageStage();
});
afterAll(() => stage?.close());

test.each([
  ['github', '/repos/acme/fleet/pulls', 'PATCH', { title: 'T', body: 'B', head: 'updates', base: 'main' }],
  [
    'gitlab',
    '/projects/acme%2Ffleet/merge_requests',
    'PUT',
    { title: 'T', description: 'B', source_branch: 'updates', target_branch: 'main', remove_source_branch: true },
  ],
  [
    'bitbucket',
    '/repositories/acme/fleet/pullrequests',
    'PUT',
    {
      title: 'T',
      description: 'B',
      source: { branch: { name: 'updates' } },
      destination: { branch: { name: 'main' } },
      close_source_branch: true,
    },
  ],
])('%s: opened once, then updated', async (name, path, update, body) => {
  const http = createHttpClient();
  const annotations = { [gitHostAnnotation]: name, [gitHostApiAnnotation]: host.url };
  const automation = { metadata: { name: 'a', annotations } } as never;
  const auth = { kind: 'basic', username: 'bot', password: 'token' } as const;
  const git = gitHostOf(automation, 'https://git.example.com/acme/fleet.git', auth, http);
  const wanted = { source: 'updates', target: 'main', title: 'T', body: 'B' };
  const { signal } = new AbortController();
  expect(await git.ensurePullRequest(wanted, signal)).toEqual({ url: 'https://host/pr/7', isNew: true });
  expect(host.calls[1]).toMatchObject({ line: `POST ${path}`, body });
  expect(host.calls[0]?.authorization).toBe(name === 'bitbucket' ? `Basic ${btoa('bot:token')}` : 'Bearer token');
  expect(await git.ensurePullRequest(wanted, signal)).toEqual({ url: 'https://host/pr/7', isNew: false });
  expect(host.calls.at(-1)?.line).toBe(`${update} ${path}/7`);
  await http.close({ force: true });
});

test('what each API takes for proof', () => {
  const basic = (username: string) => ({ kind: 'basic', username, password: 'p' }) as const;
  expect(authorizationOf('bitbucket', basic('x-token-auth'))).toBe('Bearer p');
  expect(authorizationOf('gitlab', basic('oauth2'))).toBe('Bearer p');
  expect(authorizationOf('github', { kind: 'bearer', token: 't' })).toBe('Bearer t');
  const ssh = { kind: 'ssh', identity: 'k', knownHosts: '' } as const;
  expect(() => authorizationOf('github', ssh)).toThrow(expect.objectContaining({ code: 'GIT_HOST_CREDENTIAL' }));
});

test('a branch and a pull request for each policy; a failed request is made up for', async () => {
  await stage.reset();
  const push = { branch: 'updates/{{ .Policy.Name }}' };
  const git = { checkout: { ref: { branch: 'main' } }, commit: { author: { email: 'e@example.com' } }, push };
  await putAutomation(stage.cluster, 'mainapp', { git });
  await stage.cluster.annotate('ImageUpdateAutomation', 'mainapp', {
    [pullRequestAnnotation]: 'true',
    [gitHostAnnotation]: 'github',
    [gitHostApiAnnotation]: host.url,
  });
  const { kind, apiVersion, spec } = stage.cluster.get('ImagePolicy', 'mainapp') as never as {
    kind: string;
    apiVersion: string;
    spec: object;
  };
  const latestRef = { name: stage.image, tag: '9.0.0' };
  await stage.cluster.put({ kind, apiVersion, metadata: { name: 'second' }, spec, status: { latestRef } });
  const line = (policy: string) => `${policy}: ${stage.image}:0.1.0 # {"$imagepolicy": "flux-system:${policy}"}\n`;
  stage.fleet.commit({ 'apps/a.yaml': line('mainapp') + line('second') });
  await stage.reconcile('ImageRepository');
  await stage.reconcile('ImagePolicy');
  host.failing = true;
  expect(await stage.reconcile('ImageUpdateAutomation')).toBeInstanceOf(Error);
  expect(stage.ready('ImageUpdateAutomation')).toMatchObject({
    reason: 'PullRequestFailed',
    message: expect.stringContaining('403'),
  });
  const pushed = () =>
    runGit(stage.fleet.bare, ['for-each-ref', '--format=%(refname:short)', 'refs/heads/updates']).split('\n');
  // The request of the first branch kept no other branch from being pushed.
  expect(pushed()).toEqual(['updates/mainapp', 'updates/second']);
  expect(host.calls[0]?.authorization).toBe('Bearer s3cret');
  host.failing = false;
  host.calls.length = 0;
  await stage.cluster.annotate('ImageUpdateAutomation', 'mainapp', { [gitHostSecretAnnotation]: 'host' });
  expect(await stage.reconcile('ImageUpdateAutomation')).toBeInstanceOf(Error);
  expect(stage.ready('ImageUpdateAutomation').message).toContain("secret 'flux-system/host' of annotation");
  await stage.cluster.put(secretOf('host', { token: 'of-host' }));
  await stage.reconcile('ImageUpdateAutomation');
  expect(stage.ready('ImageUpdateAutomation').status).toBe('True');
  expect(pushed()).toEqual(['updates/mainapp', 'updates/second']);
  expect(new Set(host.calls.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer of-host']));
  for (const branch of pushed()) expect(runGit(stage.fleet.bare, ['rev-list', '--count', `main..${branch}`])).toBe('1');
  expect(host.calls.filter(({ line: call }) => call.startsWith('POST')).map(({ body }) => body['head'])).toContain(
    'updates/mainapp',
  );
  expect(stage.cluster.condition('ImageUpdateAutomation', 'mainapp', 'PullRequest')?.message).toBe(
    'updates/mainapp → main: https://host/pr/7; updates/second → main: https://host/pr/7',
  );
});
