import { expect, test } from 'vitest';
import { kinds } from '../api/crds.ts';
import { fluxKinds, kindsAndName, kindsNamed, parseObjectName, shortRevision } from './flux-kinds.ts';

for (const { group, versions, kind, plural, shortNames = [] } of kinds) {
  const known = fluxKinds.find((candidate) => candidate.kind === kind);
  test.skipIf(known === undefined)(`${kind} is known by the names of its CRD`, () => {
    expect(known?.plural).toBe(plural);
    expect(known?.apiVersions[0]).toBe(`${group}/${versions[0]}`);
    for (const name of shortNames) expect(kindsNamed(name)).toEqual([known]);
  });
}

const words = [
  { word: 'all', want: fluxKinds.length },
  { word: 'sources', want: 5 },
  { word: 'images', want: 3 },
  { word: 'Kustomization', want: 1 },
  { word: 'gitrepositories', want: 1 },
];
for (const { word, want } of words) {
  test(`'${word}' means ${want} kinds`, () => expect(kindsNamed(word)).toHaveLength(want));
}

test.each([
  ['sources all', ['GitRepository', 'OCIRepository', 'Bucket', 'HelmRepository', 'HelmChart'], undefined],
  ['sources git fleet', ['GitRepository'], 'fleet'],
  ['source helm', ['HelmRepository'], undefined],
  ['image policy app', ['ImagePolicy'], 'app'],
  ['images', ['ImageRepository', 'ImagePolicy', 'ImageUpdateAutomation'], undefined],
  ['sources fleet', ['GitRepository', 'OCIRepository', 'Bucket', 'HelmRepository', 'HelmChart'], 'fleet'],
  ['ks apps', ['Kustomization'], 'apps'],
  ['alert-providers', ['Provider'], undefined],
])("'get %s' means what it means to the flux CLI", (words, want, name) => {
  const found = kindsAndName(words.split(' '));
  expect({ kinds: found.kinds.map(({ kind }) => kind), name: found.name }).toEqual({ kinds: want, name });
});

test('a word too many is an error', () => expect(() => kindsAndName(['ks', 'apps', 'more'])).toThrow(/'more'/));

test('names an object by kind and name', () => {
  expect(parseObjectName('ks/apps')).toMatchObject({ kind: { kind: 'Kustomization' }, name: 'apps' });
  for (const operand of ['apps', 'ks/', 'pod/x', 'ks/a/b']) expect(() => parseObjectName(operand)).toThrow(operand);
});

test('shortens revisions as people read them', () => {
  expect(shortRevision(`main@sha1:${'0123456789'.repeat(4)}`)).toBe('main@sha1:01234567');
  expect(shortRevision(undefined)).toBe('');
});
