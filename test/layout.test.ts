import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { expect, test } from 'vitest';

/** Who may import whom: ARCHITECTURE.md, "The house". A folder may always import itself. */
const clients = ['kube', 'git', 'oci', 'aws'];
const mayImport: Record<string, readonly string[]> = {
  base: [],
  http: ['base'],
  yaml: ['base'],
  api: ['base'],
  iam: ['base'],
  kustomize: ['base', 'yaml', 'api'],
  images: ['base', 'yaml'],
  kube: ['base', 'http', 'yaml'],
  git: ['base'],
  oci: ['base', 'http'],
  aws: ['base', 'http'],
  apply: ['base', 'api', 'kube'],
  runtime: ['base', 'api', 'kube'],
  controllers: ['base', 'http', 'yaml', 'api', 'iam', 'kustomize', 'images', ...clients, 'apply', 'runtime'],
  provision: ['base', 'api', 'iam', 'kube', 'aws'],
  diagnose: ['base', 'api', 'iam', 'kube', 'aws', 'oci', 'git', 'images'],
  sandbox: ['base', 'yaml', 'api', 'iam'],
  dashboard: ['base', 'api', 'kube', 'diagnose'],
};

function sourceFiles(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) return sourceFiles(path);
    return /\.tsx?$/.test(name) && !name.includes('.test.') ? [path] : [];
  });
}

/** Relative imports of a file as folders of src/: static, re-exported and dynamic ones. */
function importedFolders(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    ([, specifier]) => specifier as string,
  );
  return specifiers.map((specifier) => folderOf(join(file, '..', specifier)));
}

function folderOf(file: string): string {
  const parts = relative('src', file).split(sep);
  return parts.length > 1 ? (parts[0] as string) : '';
}

test('src folders import only what the layout allows', () => {
  const faults: string[] = [];
  for (const file of sourceFiles('src')) {
    const from = folderOf(file);
    if (from === '' || from === 'cli') continue;
    for (const to of importedFolders(file)) {
      if (to !== from && !mayImport[from]?.includes(to))
        faults.push(`${file}: ${from}/ may not import ${to === '' ? 'src/ itself' : `${to}/`}`);
    }
  }
  expect(faults).toEqual([]);
});

test('every folder of src has a place in the layout', () => {
  const folders = readdirSync('src').filter((name) => statSync(join('src', name)).isDirectory());
  expect(folders.filter((name) => name !== 'cli' && mayImport[name] === undefined)).toEqual([]);
});
