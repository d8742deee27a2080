import { expect, test } from 'vitest';
import { parseChallenge } from './challenge.ts';
import { matchDockerConfig, parseDockerConfig } from './docker-config.ts';
import { isLocalHost } from './endpoint.ts';
import { formatReference, parseArtifactUrl, parseImageName, parseReference } from './reference.ts';

test.each([
  ['alpine', 'index.docker.io', 'library/alpine'],
  ['org/app', 'index.docker.io', 'org/app'],
  ['docker.io/org/app', 'index.docker.io', 'org/app'],
  ['docker.io/alpine', 'index.docker.io', 'library/alpine'],
  ['localhost/app', 'localhost', 'app'],
  ['localhost:5000/a/b', 'localhost:5000', 'a/b'],
  ['ghcr.io/org/app', 'ghcr.io', 'org/app'],
  ['000000000000.dkr.ecr.eu-west-1.amazonaws.com/x/y', '000000000000.dkr.ecr.eu-west-1.amazonaws.com', 'x/y'],
])('image %s', (image, host, name) => expect(parseImageName(image)).toEqual({ host, name }));

test.each([
  ['https://ghcr.io/a/b', "image 'https://ghcr.io/a/b' should not include URL scheme; remove 'https://'"],
  ['ghcr.io/a/b:1.0', "image 'ghcr.io/a/b:1.0' should not include a tag; remove ':1.0'"],
  ['localhost:5000', "image 'localhost:5000' should not include a tag; remove ':5000'"],
  [`ghcr.io/a/b@sha256:${'0'.repeat(64)}`, /should not include a tag/],
  ['ghcr.io/A/b:1.0', 'could not parse reference: ghcr.io/A/b:1.0'],
  ['1://x', "image '1://x' should not include URL scheme; remove '1://'"],
  ['ghcr.io/a@b', 'could not parse reference: ghcr.io/a@b'],
  ['', 'could not parse reference: '],
  ['ghcr.io/A/b', 'could not parse reference: ghcr.io/A/b'],
])('image %s is refused', (image, message) => expect(() => parseImageName(image)).toThrow(message));

test('artifact addresses', () => {
  expect(parseArtifactUrl('oci://ghcr.io/org/app')).toEqual({ host: 'ghcr.io', name: 'org/app' });
  expect(() => parseArtifactUrl('oci://ghcr.io/org/app:v1')).toThrow("URL must not contain a tag; remove ':v1'");
  expect(parseReference('oci://localhost:5000/app')).toEqual({
    repository: { host: 'localhost:5000', name: 'app' },
    reference: 'latest',
  });
  const digest = `sha256:${'a'.repeat(64)}`;
  const { repository, reference } = parseReference(`ghcr.io/org/app:v1@${digest}`);
  expect(formatReference(repository, reference)).toBe(`ghcr.io/org/app@${digest}`);
});

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const config = JSON.stringify({
  auths: {
    'https://index.docker.io/v1/': auth('hub:p'),
    'ghcr.io': auth('all:p'),
    'ghcr.io/org': auth('org:p'),
    '*.dkr.ecr.*.amazonaws.com': { username: 'AWS', password: 'x:y' },
    'http://localhost:5000': { identitytoken: 't' },
    'docker.io': auth('never:p'),
  },
});
test.each([
  ['alpine', { kind: 'password', username: 'hub', password: 'p' }],
  ['ghcr.io/org/app', { kind: 'password', username: 'org', password: 'p' }],
  ['ghcr.io/other/app', { kind: 'password', username: 'all', password: 'p' }],
  ['1.dkr.ecr.eu-west-1.amazonaws.com/x', { kind: 'password', username: 'AWS', password: 'x:y' }],
  ['localhost:5000/x', { kind: 'identityToken', token: 't' }],
  ['localhost:5001/x', undefined],
  ['quay.io/x/y', undefined],
])('docker config for %s', (image, want) => {
  expect(matchDockerConfig(parseDockerConfig(config), parseImageName(image))).toEqual(want);
});

test('challenges', () => {
  expect(parseChallenge('Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"')).toEqual({
    scheme: 'bearer',
    realm: 'https://a/t',
    service: 's',
    scope: 'repository:x:pull,push',
  });
  expect(parseChallenge('Negotiate, Basic realm="x"')).toEqual({ scheme: 'basic' });
  expect(parseChallenge('Digest realm="x", Bearer realm="https://b/t"')).toMatchObject({ realm: 'https://b/t' });
  expect(parseChallenge('Negotiate')).toBeUndefined();
});

test('hosts that may be spoken to without TLS', () => {
  const local = [
    'localhost:5000',
    'x.localhost',
    '127.0.0.1:5000',
    '[::1]:5000',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1:80',
  ];
  expect(local.filter((host) => !isLocalHost(host))).toEqual([]);
  expect(['localhost', 'ghcr.io', '172.32.0.1', '127.0.0.2', '8.8.8.8'].filter(isLocalHost)).toEqual([]);
});
