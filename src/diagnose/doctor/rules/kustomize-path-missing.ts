import { text, texts } from '../facts.ts';
import { because, type Facts, type Report, type Rule } from '../rule.ts';

export const kustomizePathMissing: Rule = {
  code: 'kustomize-path-missing',
  cause:
    'spec.path of the Kustomization is not in the artifact: a typo, a backslash, another branch, or an ignore rule.',
  fix: 'Compare spec.path with the folders of the fetched revision, letter by letter.',
  commands: ['kubectl -n $NS get kustomization $NAME -o jsonpath="{.spec.path}"'],
  says: [
    [/kustomization path not found/i, 0.96],
    [/^(failed to )?l?stat \/tmp\/kustomization-\S+: no such file or directory$/i, 0.85],
    [/no such file or directory|not found/i, 0],
    [/failed to generate kustomization\.yaml: stat \S+: no such file or directory/i, 0.9],
  ],
  weigh,
  shows: pathFault,
  examples: [{ symptom: 'kustomization path not found: stat /tmp/x/apps: no such file or directory', found: true }],
};

function weigh(confidence: number, { facts }: Report) {
  const fault = pathFault(facts);
  return fault === undefined ? because(confidence) : because(Math.max(confidence, 0.95), fault);
}

function pathFault(facts: Facts): string | undefined {
  if (facts['path_exists_on_branch'] === false) return 'the path is not in the branch that is fetched';
  const path = text(facts, 'path')?.replace(/^\.?\/+|\/+$/g, '');
  const folders = texts(facts['source_dirs']).map((folder) => folder.replace(/^\.?\/+|\/+$/g, ''));
  if (path === undefined || path === '' || folders.length === 0 || folders.includes(path)) return undefined;
  return `'${path}' is not among ${folders.join(', ')}`;
}
