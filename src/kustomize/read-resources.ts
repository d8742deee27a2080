import { isUtf8 } from 'node:buffer';
import { isRecord } from '../base/json.ts';
import { parseFirstDocument } from '../yaml/documents.ts';
import { cloneValue, textOf } from '../yaml/original-text.ts';
import { buildError } from './build-error.ts';

type Fields = Record<string, unknown>;

/**
 * The objects of a manifest, as kustomize reads it: Lists are taken apart, empty documents left out. Throws YAML_INVALID, and
 * KUSTOMIZE_BUILD_FAILED for what is no Kubernetes object.
 */
export function readObjects(text: string, where: string): Fields[] {
  const documents = splitDocuments(text.replaceAll('\r\n', '\n'), where);
  const objects: { fields: Fields; place: string }[] = [];
  for (const { content, linesBefore } of documents) {
    const value = parseFirstDocument(content, where, { keepText: true, linesBefore });
    if (value === undefined) continue;
    const place = documents.length === 1 ? where : `${where}:${linesBefore + 1}`;
    if (!isRecord(value)) throw notAnObject(value, place);
    const items = documents.length === 1 ? listItems(value, place) : undefined;
    for (const fields of items ?? [value]) {
      if (!isRecord(fields)) throw notAnObject(fields, place);
      if (isBlank(fields)) continue;
      requireIdentity(fields, place);
      objects.push({ fields, place });
    }
  }
  return inlineLists(objects);
}

/** The text of a file. Throws KUSTOMIZE_BUILD_FAILED where it is not UTF-8. */
export function manifestText(content: Buffer, where: string): string {
  if (!isUtf8(content)) throw buildError(where, 'the file is not UTF-8 text', 'Is it a binary file?');
  return content.toString('utf8');
}

interface DocumentText {
  content: string;
  linesBefore: number;
}

/** Lines that begin with `---` divide documents, wherever they are. */
function splitDocuments(text: string, where: string): DocumentText[] {
  const documents: DocumentText[] = [];
  let start = 0;
  let linesBefore = 0;
  for (const { 0: separator, index } of text.matchAll(/\n---.*\n/g)) {
    const rest = separator.slice(4).trim();
    if (rest !== '' && !rest.startsWith('#')) {
      const line = linesBefore + text.slice(start, index).split('\n').length + 1;
      throw buildError(`${where}:${line}`, `only a comment may follow '---' on its line, not '${rest}'`);
    }
    documents.push({ content: `${text.slice(start, index)}\n`, linesBefore });
    linesBefore += text.slice(start, index).split('\n').length + 1;
    start = index + separator.length;
  }
  documents.push({ content: text.slice(start), linesBefore });
  return documents;
}

/** The items of a `List`, where it is the only document of its file. */
function listItems(value: Fields, place: string): unknown[] | undefined {
  const kind = textOf(value, 'kind');
  if (kind !== 'List' && kind !== 'ResourceList') return undefined;
  if (!Object.hasOwn(value, 'items') && !Object.hasOwn(value, 'functionConfig')) return undefined;
  const items = value['items'] ?? [];
  if (!Array.isArray(items)) throw buildError(place, `the items of the ${kind} should be a list`);
  return items;
}

function isBlank(fields: unknown): boolean {
  return fields === null || (isRecord(fields) && Object.keys(fields).length === 0);
}

function notAnObject(value: unknown, place: string) {
  const kind = Array.isArray(value) ? 'a list' : 'a single value';
  return buildError(place, `a Kubernetes object should be a mapping, not ${kind}`);
}

function requireIdentity(fields: Fields, place: string): void {
  const kind = textOf(fields, 'kind');
  const metadata = fields['metadata'];
  if (kind === '' || fields['kind'] === null) throw buildError(place, "an object has no 'kind'");
  if (kind.endsWith('List')) return;
  const name = isRecord(metadata) && metadata['name'] !== null ? textOf(metadata, 'name') : '';
  if (name === '') throw buildError(place, `the ${kind} has no metadata.name`, 'generateName is not enough: name it.');
}

/** Takes kinds such as ConfigMapList apart; what was in them comes after everything else. */
function inlineLists(objects: readonly { fields: Fields; place: string }[]): Fields[] {
  const queue = [...objects];
  const result: Fields[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { fields, place } = next;
    const kind = textOf(fields, 'kind');
    if (!kind.endsWith('List') || !Object.hasOwn(fields, 'items')) {
      result.push(fields);
      continue;
    }
    const items = fields['items'] ?? [];
    if (!Array.isArray(items)) throw buildError(place, `the items of the ${kind} should be a list`);
    for (const item of items) {
      if (isBlank(item)) continue;
      if (!isRecord(item)) throw notAnObject(item, place);
      const copy = cloneValue(item);
      requireIdentity(copy, place);
      queue.push({ fields: copy, place });
    }
  }
  return result;
}
