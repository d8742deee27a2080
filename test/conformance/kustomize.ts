import { deepEqual } from '../../src/base/json.ts';
import { build } from '../../src/kustomize/build.ts';
import { memoryFileSystem } from '../../src/kustomize/file-system.ts';
import { parseDocuments } from '../../src/yaml/documents.ts';
import type { CaseResult, Suite } from './suite.ts';

interface BuildCase {
  id: string;
  area: string;
  files: Record<string, string | { base64: string }>;
  path: string;
  options?: string[];
  expected?: string;
  expectError?: boolean;
}

/** Folders and what kustomize 5.8 prints for them; passed means byte for byte. */
export const kustomize: Suite = {
  file: 'kustomize.json',
  bar: 0.99,
  run: async (data) => (data as BuildCase[]).map(check),
};

function check({ id, area, files, path, options = [], expected, expectError }: BuildCase): CaseResult {
  const contents = Object.fromEntries(
    Object.entries(files).map(([name, content]) => [
      name,
      typeof content === 'string' ? content : Buffer.from(content.base64, 'base64'),
    ]),
  );
  try {
    const loadRestrictor = options.includes('LoadRestrictionsNone') ? 'none' : 'rootOnly';
    const got = build({ fs: memoryFileSystem(contents), dir: path, loadRestrictor });
    if (expectError === true) return { id, area, passed: false, detail: 'built, but should have failed' };
    const sameData = deepEqual(parseDocuments(got, 'got'), parseDocuments(expected ?? '', 'expected'));
    return {
      id,
      area,
      passed: got === expected,
      detail: `${sameData ? 'same data, other text' : 'other data'}\n${got}`,
    };
  } catch (error) {
    return {
      id,
      area,
      passed: expectError === true,
      detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}
