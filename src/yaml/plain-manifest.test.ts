import fc from 'fast-check';
import { loadAll } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { buildSchema, type SchemaOptions } from './build-schema.ts';
import { textOf } from './original-text.ts';
import { readPlainManifest } from './plain-manifest.ts';

const deployment = `# by hand
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {"app": web, tier: 'it''s'}, annotations: {}}
spec:
  replicas: 010 # octal
  template:
    spec:
      containers:
      - name: web
        args: [--port=80, "a\\tb", {x: ~}]
        command:
        - sh
        -
        - - nested
          - -1
        env:
          - {name: A, value: yes}
          - name: B
            value:
        script: |-
          #!/bin/sh
            exit 1

        notes: |+
          kept

      - name: other
`;

function read(text: string, options: SchemaOptions): unknown {
  const schema = buildSchema(options);
  const resolve = (scalar: string) => schema.resolveImplicitScalarTag(scalar).value;
  return readPlainManifest(text, { resolve, knownKeys: new Set() });
}

/** The parser's documents, or the fault it finds. */
function parse(text: string, options: SchemaOptions): unknown[] | string {
  try {
    return loadAll(text, { schema: buildSchema(options) });
  } catch (error) {
    return String(error);
  }
}

/** Every scalar as it was written. */
function texts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(texts);
  if (typeof value !== 'object' || value === null) return typeof value;
  const map = value as Record<string, unknown>;
  return Object.keys(map).map((key) => [key, textOf(map, key), texts(map[key])]);
}

const allOptions = [{}, { keepText: true }, { oldBooleans: true }, { oldBooleans: true, keepText: true }];

/** What is read the plain way is what the parser reads. Gives back how many of the readings were plain. */
function compare(text: string): number {
  let plain = 0;
  for (const options of allOptions) {
    const value = read(text, options);
    if (value === undefined) continue;
    plain++;
    const documents = parse(text, options);
    expect({ text, documents }).toEqual({ text, documents: [value] });
    expect(texts(documents)).toEqual(texts([value]));
  }
  return plain;
}

test('a usual manifest is read the plain way, and as the parser reads it', () => {
  expect(compare(deployment)).toBe(4);
  expect(compare(`---\n${deployment}`)).toBe(4);
  expect(compare(deployment.trimEnd())).toBe(4);
});

describe('left to the parser', () => {
  test.each([
    ['an anchor', 'a: &x 1\n'],
    ['an alias', 'a: [1]\nb: *x\n'],
    ['a tag', 'a: !!str 1\n'],
    ['a merge key', '<<: {a: 1}\n'],
    ['a folded text', 'a: >\n  b\n'],
    ['a continued text', 'a: b\n  c\n'],
    ['a text in quotes over lines', 'a: "b\n  c"\n'],
    ['a flow collection over lines', 'a: [b,\n  c]\n'],
    ['a key given twice', 'a: 1\na: 2\n'],
    ['a key that is no text', '1: a\n'],
    ['a second document', 'a: 1\n---\nb: 2\n'],
    ['a tab', 'a:\tb\n'],
    ['a Windows line end', 'a: b\r\n'],
    ['a colon in a text', 'a: b: c\n'],
    ['a list and a mapping at one column', 'a: b\n- c\n'],
    ['an odd column', 'a:\n    b: 1\n  c: 2\n'],
    ['a given width', 'a: |2\n  b\n'],
    ['more nesting than any manifest has', `${'[ '.repeat(60)}${' ]'.repeat(60)}\n`],
    ['the name of the prototype', '__proto__: 1\n'],
    ['nothing', '# only this\n'],
  ])('%s', (_what, text) => {
    expect(read(text, {})).toBeUndefined();
  });
});

const pieces = [
  ...[' ', '  ', '\n', '\n  ', '\n    ', '- ', '-', 'key: ', 'a', 'b: c', '"a": ', '"', "'", '[', ']', '{', '}', ', '],
  ...[': ', ':', '#', ' # c', '|', '|-\n', '>', '~', 'true', '0x1f', '1.0', 'yes', '---\n', '...', '? ', '%', '1'],
  ...['-1', '.5', '=', '\\n', "''", '{}', '[]', '- - ', 'a: |\n    x\n\n', '2020-01-01', '&a ', '*a', '<<: ', '\u00a0'],
];

test('whatever the text, nothing is read that the parser would refuse or read otherwise', () => {
  const inserted = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...pieces)), { minLength: 1, maxLength: 6 });
  const begun = fc.constantFrom('', deployment, deployment.slice(0, 150), deployment.slice(-200));
  fc.assert(
    fc.property(begun, inserted, (text, changes) => {
      const changed = changes.reduce((all, [place, piece]) => {
        const at = place % (all.length + 1);
        return all.slice(0, at) + piece + all.slice(at);
      }, text);
      compare(changed);
    }),
    { numRuns: 500 },
  );
});
