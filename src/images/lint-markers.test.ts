import { expect, test } from 'vitest';
import { lintMarkers } from './lint-markers.ts';

const scope = { policies: new Set(['flux-system:app']), namespaces: new Set(['flux-system']) };
const marker = (setter: string) => `# {"$imagepolicy": "${setter}"}`;

test.each([
  ['a good marker', `image: r.io/a:1 ${marker('flux-system:app')}\n`, []],
  ['a good tag', `tag: v1 ${marker('flux-system:app:tag')}\n`, []],
  ['an unknown policy', `a: 1\nimage: a:1 ${marker('flux-system:gone')}\n`, ['2 unknown-policy']],
  ['another namespace', `image: a:1 ${marker('apps:app')}\n`, ['1 wrong-namespace']],
  ['a bad suffix', `image: a:1 ${marker('flux-system:app:Tag')}\n`, ['1 malformed']],
  ['text before the object', `image: a:1 # see {"$imagepolicy": "flux-system:app"}\n`, ['1 malformed']],
  ['above a mapping entry', `${marker('flux-system:app')}\nimage: a:1\n`, ['1 no-value']],
  ['not JSON', `image: a:1 # {"$imagepolicy": flux-system:app}\n`, ['1 malformed']],
  ['a key without quotes', 'image: a:1 # {$imagepolicy: "flux-system:app"}\n', ['1 malformed']],
  ['a mention in prose', 'image: a:1 # markers are {"…"}, see $imagepolicy\n', []],
  ['in a block of text', `script: |\n  image: a:1 ${marker('flux-system:app')}\n`, ['2 no-value']],
  ['a number', `replicas: 3 ${marker('flux-system:app')}\n`, ['1 not-an-image']],
  ['a tag over an image', `image: r.io/a:1 ${marker('flux-system:app:tag')}\n`, ['1 not-an-image']],
  ['a file that does not parse', `a: [\nimage: a:1 ${marker('flux-system:app')}\n`, ['2 problem-file']],
])('%s', (_, text, want) => {
  expect(lintMarkers('f.yaml', text, scope).map(({ line, rule }) => `${line} ${rule}`)).toEqual(want);
});

test('files that no automation covers, or that are never looked at', () => {
  const text = `image: a:1 ${marker('flux-system:app')}\n`;
  expect(lintMarkers('f.yaml', text, { namespaces: new Set() })[0]?.rule).toBe('outside-path');
  expect(lintMarkers('f.tpl', text, scope)[0]?.rule).toBe('ignored-file');
  expect(lintMarkers('f.yaml', text, {})).toEqual([]);
});
