import { expect, test } from 'vitest';
import { gitError } from './git-error.ts';
import { isRefName } from './ref-name.ts';
import { parseRemoteUrl } from './remote.ts';

test.each([
  ['https://bob:s%40crt@git.example/x.git', { url: 'https://git.example/x.git', username: 'bob', password: 's@crt' }],
  ['ssh://git@git.example:2222/x', { url: 'ssh://git@git.example:2222/x', username: 'git', host: 'git.example:2222' }],
  ['http://git.example/a/b', { url: 'http://git.example/a/b', scheme: 'http' }],
])('%s', (text, want) => expect(parseRemoteUrl(text)).toMatchObject(want));

test.each([
  'git@github.com:org/repo.git',
  'ext::sh -c evil',
  'git://git.example/x',
  'ftp://git.example/x',
  'https://',
  'ssh://-oProxyCommand=evil/x',
  'ssh://-oProxyCommand=evil@host/x',
  'ssh://git%0aProxyCommand%20evil@host/x',
  'ssh://git%20-x@host/x',
  'https://host/x\n--upload-pack=evil',
  'https://%zz@host/x',
  '--upload-pack=evil',
])('%j is refused', (text) => {
  expect(() => parseRemoteUrl(text)).toThrow(expect.objectContaining({ code: 'GIT_URL_INVALID' }));
});

test('ref names', () => {
  const good = ['refs/heads/main', 'refs/tags/v1.0', 'refs/heads/feature/x', 'HEAD'];
  const bad = [
    '',
    '-x',
    'a..b',
    'a b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[',
    'a\\',
    '/a',
    'a/',
    'a.lock',
    'a/.b',
    '@',
    'a@{1',
    'a\n',
  ];
  expect(good.filter((name) => !isRefName(name))).toEqual([]);
  expect(bad.filter(isRefName)).toEqual([]);
});

test.each([
  ["fatal: Authentication failed for 'https://x/'", 'GIT_AUTH_DENIED'],
  ["fatal: unable to access 'https://x/': The requested URL returned error: 403", 'GIT_AUTH_DENIED'],
  ["fatal: unable to access 'https://x/': The requested URL returned error: 429", 'GIT_RATE_LIMITED'],
  ["fatal: unable to access 'https://x/': The requested URL returned error: 503", 'GIT_SERVER_ERROR'],
  ["remote: Not Found\nfatal: repository 'https://x/' not found", 'GIT_REPOSITORY_NOT_FOUND'],
  ["fatal: unable to access 'https://x/': Could not resolve host: x", 'GIT_UNREACHABLE'],
  ["fatal: unable to access 'https://x/': SSL certificate problem: certificate has expired", 'GIT_TLS_FAILED'],
  ["fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none", 'GIT_TLS_FAILED'],
  ['Host key verification failed.\nfatal: Could not read from remote repository.', 'GIT_HOST_KEY_REJECTED'],
  ['git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'GIT_AUTH_DENIED'],
  [
    'ssh: connect to host x port 22: Connection refused\nfatal: Could not read from remote repository.',
    'GIT_UNREACHABLE',
  ],
  ["fatal: couldn't find remote ref refs/heads/x", 'GIT_REF_NOT_FOUND'],
  ['fatal: remote error: upload-pack: not our ref 1234', 'GIT_REF_NOT_FOUND'],
  ['fatal: remote error: maintenance', 'GIT_SERVER_ERROR'],
  ['error: RPC failed; curl 18 transfer closed\nfatal: early EOF', 'GIT_PROTOCOL_ERROR'],
  ['fatal: something new', 'GIT_FAILED'],
])('%j is %s', (stderr, code) => {
  const error = gitError('unable to clone', { stderr, exitCode: 128 });
  expect(error.code).toBe(code);
  expect(error.message).not.toMatch(/Could not read from remote|fatal:/);
});
