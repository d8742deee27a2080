import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../base/logger.ts';
import type { HookEvents } from './hook-event.ts';
import { type HookServer, startHookServer } from './hook-server.ts';
import { placeOf } from './wake-by-commit.ts';

const token = 'shared';
let server: HookServer;
let seen: HookEvents[] = [];
beforeAll(async () => {
  const onEvents = async (events: HookEvents) => void seen.push(events);
  server = await startHookServer({ host: '127.0.0.1', port: 0, token, logger: silentLogger, onEvents });
});
afterAll(() => server.close());
beforeEach(() => {
  seen = [];
});

const hmac = (body: string, key = token) => `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
async function post(sender: string, body: object | string, headers: (body: string) => Record<string, string>) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const url = `http://127.0.0.1:${server.port}/hook/${sender}`;
  return (await fetch(url, { method: 'POST', body: text, headers: headers(text) })).status;
}

const github = {
  ref: 'refs/heads/main',
  repository: { clone_url: 'https://github.com/acme/fleet.git', ssh_url: 'git@github.com:acme/fleet.git' },
};
const ecr = {
  id: '1',
  source: 'aws.ecr',
  'detail-type': 'ECR Image Action',
  account: '111122223333',
  region: 'eu-west-1',
  detail: { 'action-type': 'PUSH', result: 'SUCCESS', 'repository-name': 'app', 'image-tag': '1.0.1' },
};
const bitbucket = {
  push: { changes: [{ new: { name: 'main', type: 'branch' } }, { new: null }] },
  repository: { links: { html: { href: 'https://bitbucket.org/acme/fleet' } } },
};
const gitlab = { ref: 'refs/heads/main', project: { git_http_url: 'https://gitlab.com/acme/fleet.git' } };
const registry = {
  events: [
    { action: 'push', target: { repository: 'app', tag: '1.0.1' }, request: { host: 'r.io:5000' } },
    { action: 'pull' },
  ],
};
const fleet = (url: string) => ({ images: [], commits: [{ urls: [url], branches: ['main'] }] });

test.each([
  [
    'github',
    github,
    (body: string) => ({ 'x-hub-signature-256': hmac(body) }),
    { images: [], commits: [{ urls: [github.repository.clone_url, github.repository.ssh_url], branches: ['main'] }] },
  ],
  [
    'bitbucket',
    bitbucket,
    (body: string) => ({ 'x-hub-signature': hmac(body) }),
    fleet('https://bitbucket.org/acme/fleet'),
  ],
  ['gitlab', gitlab, () => ({ 'x-gitlab-token': token }), fleet('https://gitlab.com/acme/fleet.git')],
  [
    'ecr',
    ecr,
    () => ({ authorization: `Bearer ${token}` }),
    { images: [expect.objectContaining({ account: '111122223333', repository: 'app' })], commits: [] },
  ],
  [
    'registry',
    registry,
    () => ({ authorization: `Bearer ${token}` }),
    { images: [{ host: 'r.io:5000', repository: 'app', tag: '1.0.1' }], commits: [] },
  ],
  [
    'generic',
    { image: 'r.io/app', tag: '2' },
    (body: string) => ({ 'x-signature': hmac(body) }),
    { images: [{ host: 'r.io', repository: 'app', tag: '2' }], commits: [] },
  ],
])('%s is understood', async (sender, body, headers, events) => {
  expect(await post(sender, body, headers)).toBe(202);
  expect(seen).toEqual([events]);
});

test.each([
  ['a wrong signature', 'github', github, (body: string) => ({ 'x-hub-signature-256': hmac(body, 'guess') }), 401],
  ['no proof', 'gitlab', gitlab, () => ({}), 401],
  ['an unknown sender', 'gitea', github, () => ({}), 404],
  ['no JSON', 'generic', 'hello', (body: string) => ({ 'x-signature': hmac(body) }), 400],
  ['too much', 'generic', 'x'.repeat(2 << 20), (body: string) => ({ 'x-signature': hmac(body) }), 413],
])('%s is refused', async (_, sender, body, headers, status) => {
  expect(await post(sender, body, headers).catch(() => 413)).toBe(status);
  expect(seen).toEqual([]);
});

test('the addresses of one repository are one place', () => {
  const forms = [
    'https://git.io/Acme/fleet.git',
    'ssh://git@git.io/acme/fleet',
    'git@git.io:acme/fleet.git',
    'https://u@git.io/acme/fleet/',
  ];
  expect(new Set(forms.map(placeOf))).toEqual(new Set(['git.io/acme/fleet']));
});
