import { dump } from 'js-yaml';

/** Values as a stream of YAML documents, as kustomize writes them: keys sorted, lists not indented, no line wrapping. */
export function printDocuments(documents: readonly unknown[]): string {
  return documents
    .map((document) => dump(document, { sortKeys: true, seqNoIndent: true, lineWidth: -1, noRefs: true }))
    .join('---\n');
}
