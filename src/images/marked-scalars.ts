import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseAllDocuments,
  type Scalar,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { parseMarker } from './setter-marker.ts';

/** The object of a file that a scalar belongs to; parts that a values file lacks are ''. */
export interface ObjectIdentity {
  apiVersion: string;
  kind: string;
  name: string;
  namespace: string;
}

/** A scalar with a marker. */
export interface MarkedScalar {
  /** The setters its comment names, the first known one counts. */
  setters: string[];
  style: 'plain' | 'single' | 'double' | 'block';
  /** The value as the parser reads it. */
  value: string;
  /** Offsets of the scalar's own bytes (for blocks: from the `|` or `>` on). */
  start: number;
  end: number;
  /** Where the marker's comment starts. */
  commentStart: number;
  inFlow: boolean;
  object: ObjectIdentity;
}

export type MarkerScan =
  | { kind: 'scanned'; scalars: MarkedScalar[] }
  /** A file that Flux skips as a whole; `problem` says why. */
  | { kind: 'problem'; problem: string };

/** Finds every scalar that carries a marker (spec/image.md §7.1 for problem files, §7.3 for places that count). */
export function scanMarkers(text: string): MarkerScan {
  for (const separator of text.matchAll(/\n---([^\n]*)\n/g)) {
    if (/^\s*(?:#|$)/.test(separator[1] ?? '')) continue;
    return { kind: 'problem', problem: `text after '---' in line ${lineAt(text, separator.index + 1)}` };
  }
  const documents = parseAllDocuments(text, { keepSourceTokens: true, uniqueKeys: false, logLevel: 'silent' });
  if (!Array.isArray(documents)) return { kind: 'scanned', scalars: [] };
  const scalars: MarkedScalar[] = [];
  for (const document of documents) {
    const problem = problemOf(document, text);
    if (problem !== undefined) return { kind: 'problem', problem };
    if (isMap(document.contents)) walkRoot(document.contents, { text, scalars });
  }
  return { kind: 'scanned', scalars };
}

/** The line that an offset lies in, counted from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

function problemOf(document: Document.Parsed, text: string): string | undefined {
  // Flux's parser takes a comment right behind a quoted value, a bracket or the header of a block.
  const error = document.errors.find(({ message }) => !message.startsWith('Comments must be separated'));
  if (error !== undefined) return `${error.message.split('\n', 1)[0]?.replace(/:$/, '')}`;
  if (/^%/m.test(text) && document.directives?.yaml.explicit) return 'a %YAML directive';
  const alias = unknownAlias(document);
  if (alias !== undefined) return `unknown anchor '${alias}' referenced`;
  const root = document.contents;
  if (isSeq(root)) return 'a document whose root is a sequence';
  if (isScalar(root) && root.source !== '' && root.value !== null) return 'a document whose root is a scalar';
  return undefined;
}

/** The first alias without an anchor before it. */
function unknownAlias(document: Document.Parsed): string | undefined {
  const anchors = new Set<string>();
  let unknown: string | undefined;
  visit(document, {
    Alias(_, { source }) {
      if (anchors.has(source)) return undefined;
      unknown = source;
      return visit.BREAK;
    },
    Value(_, { anchor }) {
      if (anchor !== undefined) anchors.add(anchor);
    },
  });
  return unknown;
}

interface Walk {
  text: string;
  scalars: MarkedScalar[];
}

/** The items of a List are objects of their own. */
function walkRoot(root: YAMLMap, walk: Walk): void {
  const items = root.get('items', true);
  if (!textOf(root, 'kind').endsWith('List') || !isSeq(items)) {
    walkMap(root, walk, identityOf(root));
    return;
  }
  for (const pair of root.items) {
    if (pair.value === items) walkSequence(items, walk, identityOf(root));
    else walkNode(pair.value, walk, identityOf(root), Boolean(root.flow));
  }
}

function walkNode(node: unknown, walk: Walk, object: ObjectIdentity, inFlow: boolean, isItem = false): void {
  if (isMap(node)) walkMap(node, walk, object);
  else if (isSeq(node)) walkSequence(node, walk, object);
  else if (isScalar(node) && !isAlias(node)) addIfMarked(node, walk, { object, inFlow, isItem });
}

/** Of a key that occurs twice only the first counts, as in Flux. */
function walkMap(map: YAMLMap, walk: Walk, object: ObjectIdentity): void {
  const seen = new Set<unknown>();
  for (const { key, value } of map.items as Pair[]) {
    const name = isScalar(key) ? key.value : key;
    if (seen.has(name)) continue;
    seen.add(name);
    walkNode(value, walk, object, Boolean(map.flow));
  }
}

function walkSequence(sequence: YAMLSeq, walk: Walk, object: ObjectIdentity): void {
  for (const item of sequence.items) {
    const own = isMap(item) && item.has('kind') && item.has('metadata') ? identityOf(item) : object;
    walkNode(item, walk, own, Boolean(sequence.flow), true);
  }
}

interface Place {
  object: ObjectIdentity;
  inFlow: boolean;
  /** An item of a sequence, for which a comment line above counts as well. */
  isItem: boolean;
}

function addIfMarked(scalar: Scalar, { text, scalars }: Walk, { object, inFlow, isItem }: Place): void {
  const [start, end] = scalar.range ?? [0, 0];
  // An absent value is no node that a comment could belong to.
  if (start === end) return;
  const style = styleOf(scalar);
  const ownLine = style === 'block' ? blockHeaderEnd(text, start) : end;
  // An ordinary comment at the end of the line hides the one above.
  const comment = lineComment(text, ownLine, inFlow) ?? (isItem ? headComment(text, start) : undefined);
  if (comment === undefined) return;
  const setters = parseMarker(comment.text);
  if (setters.length === 0) return;
  const value = scalarText(scalar, text.slice(start, end));
  scalars.push({ setters, style, value, start, end, commentStart: comment.start, inFlow, object });
}

function styleOf(scalar: Scalar): MarkedScalar['style'] {
  switch (scalar.type) {
    case 'QUOTE_DOUBLE':
      return 'double';
    case 'QUOTE_SINGLE':
      return 'single';
    case 'BLOCK_FOLDED':
    case 'BLOCK_LITERAL':
      return 'block';
    default:
      return 'plain';
  }
}

/** The value as text. The last line break of a block is part of it only where there is one. */
function scalarText(scalar: Scalar, token: string): string {
  const value = scalar.source ?? String(scalar.value);
  return styleOf(scalar) === 'block' && !token.endsWith('\n') ? value.replace(/\n$/, '') : value;
}

function blockHeaderEnd(text: string, start: number): number {
  return start + (/^[|>][-+0-9]*/.exec(text.slice(start, start + 8))?.[0].length ?? 1);
}

interface Comment {
  text: string;
  start: number;
}

/** The comment behind a value in the same line; in a flow collection also behind its comma. */
function lineComment(text: string, end: number, inFlow: boolean): Comment | undefined {
  const rest = text.slice(end, lineEnd(text, end));
  const gap = (inFlow ? /^[ \t]*(?:,[ \t]*)?(?=#)/ : /^[ \t]*(?=#)/).exec(rest);
  return gap === null ? undefined : { text: rest.slice(gap[0].length), start: end + gap[0].length };
}

/**
 * The comment line directly above the line in which an item starts; two or more of them are one comment, no marker. It
 * belongs to whatever starts the line: in `- - item` that is the outer sequence.
 */
function headComment(text: string, start: number): Comment | undefined {
  const before = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  if (!/^[ \t]*(?:-[ \t]+)?(?:[&!]\S*[ \t]+)*$/.test(before)) return undefined;
  const above = lineAbove(text, start);
  if (above === undefined || !above.text.startsWith('#')) return undefined;
  return lineAbove(text, above.start)?.text.startsWith('#') ? undefined : above;
}

/** The line before the one that `offset` lies in, without its indentation and end. */
function lineAbove(text: string, offset: number): Comment | undefined {
  const ownStart = text.lastIndexOf('\n', offset - 1) + 1;
  if (ownStart === 0) return undefined;
  const start = text.lastIndexOf('\n', ownStart - 2) + 1;
  const line = text.slice(start, lineEnd(text, start));
  const trimmed = line.trimStart();
  return { text: trimmed.trimEnd(), start: start + line.length - trimmed.length };
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  const end = newline < 0 ? text.length : newline;
  return text[end - 1] === '\r' && end > from ? end - 1 : end;
}

function identityOf(map: YAMLMap): ObjectIdentity {
  const metadata = map.get('metadata', true);
  return {
    apiVersion: textOf(map, 'apiVersion'),
    kind: textOf(map, 'kind'),
    name: isMap(metadata) ? textOf(metadata, 'name') : '',
    namespace: isMap(metadata) ? textOf(metadata, 'namespace') : '',
  };
}

function textOf(map: YAMLMap, key: string): string {
  const node = map.get(key, true);
  return isScalar(node) && node.value !== null ? (node.source ?? String(node.value)) : '';
}
