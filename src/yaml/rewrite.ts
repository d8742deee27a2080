import { CORE_SCHEMA, eventsToAst, type Node, parseEvents, present, type ScalarNode } from 'js-yaml';
import { deepEqual, isRecord } from '../base/json.ts';
import { buildSchema } from './build-schema.ts';
import { scalarText, textOf } from './original-text.ts';
import { tolerantly } from './tolerant.ts';

const plain = 1;
const doubleQuoted = 3;

/**
 * A YAML text whose value has become another one, with the order and quoting that it had; lists are not indented, comments are
 * left out. `before` is the value of the text.
 */
export function rewriteYaml(text: string, before: unknown, after: unknown): string {
  const documents = tolerantly(text, (source) => eventsToAst(parseEvents(source, {}), { source, schema: CORE_SCHEMA }));
  const [document] = documents;
  if (document?.contents === null || document === undefined) return text;
  document.contents = updated(document.contents, before, after);
  return present([document], { schema: CORE_SCHEMA, seqNoIndent: true, lineWidth: -1 }).trim();
}

function updated(node: Node, before: unknown, after: unknown): Node {
  if (deepEqual(before, after)) return node;
  if (node.kind === 'mapping' && isRecord(before) && isRecord(after)) {
    const items = node.items.flatMap(({ key, value }) => {
      const name = key.kind === 'scalar' ? key.value : '';
      return Object.hasOwn(after, name) ? [{ key, value: updated(value, before[name], after[name]) }] : [];
    });
    const added = Object.keys(after).filter((name) => !Object.hasOwn(before, name));
    return {
      ...node,
      items: [...items, ...added.map((name) => ({ key: scalar(name, name), value: nodeOf(after, name) }))],
    };
  }
  if (node.kind === 'sequence' && Array.isArray(before) && Array.isArray(after))
    return {
      ...node,
      items: after.map((item, index) => updated(node.items[index] ?? nodeOf(after, index), before[index], item)),
    };
  if (node.kind === 'scalar' && typeof after !== 'object') {
    const fresh = scalar(after, scalarText(after));
    return { ...fresh, style: node.style === plain ? fresh.style : node.style };
  }
  return nodeOf([after], 0);
}

function nodeOf(holder: Record<string, unknown> | unknown[], key: string | number): Node {
  const value = (holder as Record<string | number, unknown>)[key];
  const base = { tagged: false, style: plain };
  if (Array.isArray(value))
    return {
      ...base,
      kind: 'sequence',
      tag: 'tag:yaml.org,2002:seq',
      items: value.map((_, index) => nodeOf(value, index)),
    } as Node;
  if (isRecord(value)) {
    const items = Object.keys(value).map((name) => ({ key: scalar(name, name), value: nodeOf(value, name) }));
    return { ...base, kind: 'mapping', tag: 'tag:yaml.org,2002:map', items } as Node;
  }
  return scalar(value, Array.isArray(holder) ? scalarText(value) : textOf(holder, String(key)));
}

/** Quoted where the text would otherwise be read as something else. */
function scalar(value: unknown, text: string): ScalarNode {
  const { value: read, tag } = buildSchema().resolveImplicitScalarTag(text);
  const needsQuotes = typeof value === 'string' && typeof read !== 'string';
  return {
    kind: 'scalar',
    tag: needsQuotes ? 'tag:yaml.org,2002:str' : tag.tagName,
    tagged: false,
    style: needsQuotes ? doubleQuoted : plain,
    value: text,
  } as ScalarNode;
}
