import { textAt } from '../../base/json.ts';
import type { ManifestOrigin } from '../../kustomize/build.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import { parseDocuments } from '../../yaml/documents.ts';

/** Where an object is written, as `path:line`; the path alone where it is generated, or the line cannot be told. */
export function placeOf(fs: FileSystem, { path, kind, name }: ManifestOrigin): string {
  const text = fs.readFile(path)?.toString('utf8') ?? '';
  let line = 1;
  for (const document of text.split(/^---.*$/m)) {
    const blank = /^(?:\s*(?:#.*)?\n)*/.exec(document)?.[0] ?? '';
    const start = line + lineEnds(blank);
    line += lineEnds(document);
    const found = read(document, path);
    if (textAt(found, 'kind') === kind && textAt(found, 'metadata', 'name') === name) return `${path}:${start}`;
  }
  return path;
}

function lineEnds(text: string): number {
  return text.split('\n').length - 1;
}

function read(text: string, path: string): unknown {
  try {
    return parseDocuments(text, path)[0];
  } catch {
    return undefined;
  }
}
