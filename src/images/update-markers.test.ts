import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { isSafePlain } from './scalar-text.ts';
import { updateMarkers } from './update-markers.ts';

const policies = {
  'ns:app': { image: 'r.io/app', tag: '2.0.0' },
  'ns:dig': { image: 'r.io/dig', tag: '3', digest: 'sha256:abc' },
};
const full = '# {"$imagepolicy": "ns:app"}';
const tag = '# {"$imagepolicy": "ns:app:tag"}';

const edits: [string, string, string][] = [
  ['a comment line above a list item counts', `l:\n${full}\n- a:1\n`, `l:\n${full}\n- r.io/app:2.0.0\n`],
  ['a comment above a mapping entry does not', `${full}\nimage: a:1\n`, `${full}\nimage: a:1\n`],
  ['two comment lines are one comment', `l:\n# x\n${full}\n- a:1\n`, `l:\n# x\n${full}\n- a:1\n`],
  ['an ordinary comment hides the one above', `l:\n${full}\n- a:1 # x\n`, `l:\n${full}\n- a:1 # x\n`],
  ['after a one-line flow collection', `a: {b: c} ${full}\n`, `a: {b: c} ${full}\n`],
  ['only the last item of a flow line', `a: [b, c, ${full}\n d]\n`, `a: [b, r.io/app:2.0.0, ${full}\n d]\n`],
  ['an absent value', `tag: ${tag}\nb: 1\n`, `tag: ${tag}\nb: 1\n`],
  [
    'a folded block keeps style and indentation',
    `a: >2+ ${tag}\n    x\n    y\n\nb: 1\n`,
    `a: >2- ${tag}\n  2.0.0\n\nb: 1\n`,
  ],
  ['a quoted value needs no blank before the comment', `a: "x"${tag}\n`, `a: "2.0.0"${tag}\n`],
  ['of a key that occurs twice the first counts', `a: x ${tag}\na: y ${tag}\n`, `a: 2.0.0 ${tag}\na: y ${tag}\n`],
  ['a comment above belongs to the outer sequence', `${full}\n- - a:1\n`, `${full}\n- - a:1\n`],
  ['a block with CRLF', `a: | ${tag}\r\n  x\r\nb: 1\r\n`, `a: |- ${tag}\r\n  2.0.0\r\nb: 1\r\n`],
  [
    'the legacy form',
    'a: "$imagepolicy"\nb: x # {"$ref":"#/definitions/io.k8s.cli.setters.ns:app:name"}\n',
    'a: "$imagepolicy"\nb: r.io/app # {"$ref":"#/definitions/io.k8s.cli.setters.ns:app:name"}\n',
  ],
  [
    'an empty digest is quoted',
    'd: sha256:x # {"$imagepolicy": "ns:app:digest"}\n',
    'd: "" # {"$imagepolicy": "ns:app:digest"}\n',
  ],
  ['a numeric tag is quoted', 't: v1 # {"$imagepolicy": "ns:dig:tag"}\n', 't: "3" # {"$imagepolicy": "ns:dig:tag"}\n'],
  [
    'other members may be there',
    'a: b # {"x":"y","$imagepolicy":"ns:app:tag"}\n',
    'a: 2.0.0 # {"x":"y","$imagepolicy":"ns:app:tag"}\n',
  ],
  ['but only strings', 'a: b # {"x":1,"$imagepolicy":"ns:app:tag"}\n', 'a: b # {"x":1,"$imagepolicy":"ns:app:tag"}\n'],
  [
    'no inherited names',
    'a: b # {"$imagepolicy":"constructor:toString"}\n',
    'a: b # {"$imagepolicy":"constructor:toString"}\n',
  ],
];
test.each(edits)('%s', (_, file, want) => expect(updateMarkers('f.yaml', file, policies).text).toBe(want));

test('a change names its object, line and setter', () => {
  const file = `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p, namespace: n}\n  spec: {\n    image: a:1 ${full}\n  }\n`;
  expect(updateMarkers('f.yaml', file, policies).changes).toEqual([
    {
      setter: 'ns:app',
      old: 'a:1',
      new: 'r.io/app:2.0.0',
      line: 8,
      object: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'n' },
    },
  ]);
});

test.each([
  ['a root sequence', `- a ${full}\n`],
  ['a directive', `%YAML 1.2\n---\na: b ${full}\n`],
  ['a malformed document', `a: [\n---\nb: c ${full}\n`],
  ['an alias of nothing', `a: *gone\nb: c ${full}\n`],
  ['text after a separator', `a: 1\n--- x\nb: c ${full}\n`],
])('%s is a problem file', (_, file) => {
  const update = updateMarkers('f.yaml', file, policies);
  expect(update).toMatchObject({ text: file, changes: [], problem: expect.any(String) });
});

test('what is written reads back as the chosen string, and nothing else changes', () => {
  const value = fc.oneof(fc.stringMatching(/^[A-Za-z0-9_.:/+@-]{0,12}$/), fc.string({ maxLength: 8 }));
  const style = fc.constantFrom('v', '"v"', "'v'", '5', '~', 'true');
  fc.assert(
    fc.property(value, style, fc.boolean(), (image, old, inFlow) => {
      // The parser that the test reads with takes E0 for a number in YAML 1.1, which it is not (its float needs a dot).
      fc.pre(!/^[-+]?[eE][-+]?\d+$/.test(image));
      const marker = '# {"$imagepolicy": "n:p:name"}';
      const file = inFlow ? `a: [\n  ${old}, ${marker}\n]\nz:  1\n` : `a: ${old} ${marker}\nz:  1\n`;
      const { text } = updateMarkers('f.yaml', file, { 'n:p': { image, tag: 't' } });
      const [before = '', after = ''] =
        file.split(old, 2).length === 2
          ? [file.slice(0, file.indexOf(old, 2)), file.slice(file.indexOf(` ${marker}`))]
          : [];
      expect(text.startsWith(before.slice(0, 2))).toBe(true);
      expect(text.endsWith(inFlow ? after.replace(/^/, '') : after)).toBe(true);
      for (const version of ['1.1', '1.2'] as const) {
        const [document] = parseAllDocuments(text, { version });
        const read = (document as { toJS(): { a: unknown } }).toJS().a;
        if (text !== file) expect(inFlow ? (read as unknown[])[0] : read).toBe(image);
      }
    }),
    { numRuns: 2000 },
  );
});

test.each([
  '1.10',
  '1e3',
  '0755',
  '0x1F',
  '1_000',
  '2024-01-01',
  'on',
  'null',
  '~',
  '',
  '1:30',
  '.5',
  'a: b',
  '- a',
  '#a',
  '*a',
  '0o17',
  '.inf',
  '<<',
])('%j is not written plain', (value) => expect(isSafePlain(value, false)).toBe(false));
test.each(['v1', '1.2.3', '2026.01.05-abc', 'a:v1', 'r.io:5000/a@sha256:ab', '-x', '1.2.3-rc.1'])(
  '%j stays plain',
  (value) => {
    expect(isSafePlain(value, false)).toBe(true);
  },
);
