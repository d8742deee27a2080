import { describe, expect, test } from 'vitest';
import { MillraceError } from '../base/error.ts';
import { buildObjects } from './build.ts';
import { memoryFileSystem } from './file-system.ts';
import type { RemoteContent } from './remote-content.ts';
import { parseRepositoryReference } from './remote-reference.ts';
import { buildObjectsWithRemotes } from './remotes.ts';

describe('the repository that a reference names', () => {
  test.each([
    ['https://github.com/org/repo//deploy/base?ref=v1.2.0', 'https://github.com/org/repo', 'deploy/base', 'v1.2.0'],
    ['github.com/org/repo/deploy?version=main', 'https://github.com/org/repo', 'deploy', 'main'],
    ['https://github.com/org/repo?ref=a&version=b', 'https://github.com/org/repo', '', 'a'],
    ['git::https://gitlab.com/group/repo.git/base', 'https://gitlab.com/group/repo.git', 'base', undefined],
    ['https://gitlab.com/a/b/c/repo.git//base', 'https://gitlab.com/a/b/c/repo.git', 'base', undefined],
    ['git@github.com:org/repo.git//base', 'git@github.com:org/repo.git', 'base', undefined],
    ['ssh://git@github.com/org/repo', 'git@github.com:org/repo', '', undefined],
    ['ssh://git@example.com:2222/org/repo/base', 'ssh://git@example.com:2222/org/repo', 'base', undefined],
    [
      'https://dev.azure.com/org/project/_git/repo/base',
      'https://dev.azure.com/org/project/_git/repo',
      'base',
      undefined,
    ],
    ['file:///srv/repo.git//base', 'file:///srv/repo.git', 'base', undefined],
  ])('%s', (reference, url, dir, ref) => {
    const timeoutMs = 27_000;
    expect(parseRepositoryReference(reference)).toEqual({ url, dir, timeoutMs, ...(ref === undefined ? {} : { ref }) });
  });

  test.each([
    '../base',
    'base',
    '/srv/base',
    'https://example.com',
    'https://github.com/org/repo//../../etc',
    'ftp://host/a/b',
  ])('none in %s', (reference) => {
    expect(parseRepositoryReference(reference)).toBeUndefined();
  });

  test.each([
    ['61', 61_000],
    ['2m', 120_000],
    ['soon', 27_000],
    ['-1', 27_000],
  ])('timeout=%s', (text, timeoutMs) => {
    expect(parseRepositoryReference(`https://h/o/r?timeout=${text}`)).toMatchObject({ timeoutMs });
  });
});

const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
const repository = 'https://example.com/org/repo';
const remotes: Record<string, RemoteContent> = {
  'https://example.com/one.yaml': { kind: 'file', content: Buffer.from(configMap('one')) },
  [`${repository}//overlay?ref=v1`]: {
    kind: 'folder',
    fs: memoryFileSystem({
      'overlay/kustomization.yaml': 'resources: [../base, https://example.com/one.yaml]\nnamePrefix: far-\n',
      'base/kustomization.yaml': 'resources: [two.yaml]\n',
      'base/two.yaml': configMap('two'),
    }),
    dir: 'overlay',
    repository,
    ref: 'v1',
  },
  'github.com/org/itself': {
    kind: 'folder',
    fs: memoryFileSystem({ 'kustomization.yaml': 'resources: [github.com/org/itself]\n' }),
    dir: '',
    repository: 'https://github.com/org/itself',
  },
  'github.com/org/part': {
    kind: 'folder',
    fs: memoryFileSystem({
      'kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -x\n',
    }),
    dir: '',
    repository: 'https://github.com/org/part',
  },
};

function buildWith(kustomization: string) {
  const asked: string[] = [];
  const fetch = async (reference: string) => {
    asked.push(reference);
    const content = remotes[reference];
    if (content === undefined) throw new MillraceError('HTTP_UNREACHABLE', `no answer from ${reference}`);
    return content;
  };
  const fs = memoryFileSystem({ 'kustomization.yaml': kustomization, 'local.yaml': configMap('local') });
  return { asked, objects: buildObjectsWithRemotes({ fs, dir: '' }, fetch) };
}

test('remote bases and files, also those that a remote base names, each got once', async () => {
  const { asked, objects } = buildWith(
    `resources: [local.yaml, "${repository}//overlay?ref=v1"]\nbuildMetadata: [originAnnotations]\n`,
  );
  const origins = (await objects).map(({ metadata }) => [
    metadata.name,
    metadata.annotations?.['config.kubernetes.io/origin'],
  ]);
  expect(origins).toEqual([
    ['far-one', `path: overlay/https:/example.com/one.yaml\nrepo: ${repository}\nref: v1\n`],
    ['far-two', `path: base/two.yaml\nrepo: ${repository}\nref: v1\n`],
    ['local', 'path: local.yaml\n'],
  ]);
  expect(asked).toEqual([`${repository}//overlay?ref=v1`, 'https://example.com/one.yaml']);
});

test('a remote component changes what is there', async () => {
  const { objects } = buildWith('resources: [local.yaml]\ncomponents: [github.com/org/part]\n');
  expect((await objects).map(({ metadata }) => metadata.name)).toEqual(['local-x']);
});

test('a remote base that names itself is a cycle', async () => {
  await expect(buildWith('resources: [github.com/org/itself]\n').objects).rejects.toThrow(
    /a cycle of bases: .* → https:\/\/github.com\/org\/itself\/\/ → https:\/\/github.com\/org\/itself\/\//,
  );
});

test('what cannot be got is said as it is, and other faults are not lost', async () => {
  await expect(buildWith('resources: [github.com/org/none]\n').objects).rejects.toMatchObject({
    code: 'HTTP_UNREACHABLE',
  });
  await expect(buildWith('resources: [none.yaml, "https://example.com/one.yaml"]\n').objects).rejects.toThrow(
    /'none.yaml' of 'resources': no such file or folder/,
  );
});

test('without a fetcher remote resources are refused', () => {
  const fs = memoryFileSystem({ 'kustomization.yaml': 'resources: [github.com/org/repo]\n' });
  expect(() => buildObjects({ fs, dir: '' })).toThrow(/the remote resource 'github.com\/org\/repo' is not loaded/);
});
