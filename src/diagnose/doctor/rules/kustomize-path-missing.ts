import type { Rule } from '../rule.ts';

export const kustomizePathMissing: Rule = {
  code: 'kustomize-path-missing',
  cause:
    'spec.path of the Kustomization is not in the artifact: a typo, a backslash, another branch, or an ignore rule.',
  fix: 'Compare spec.path with the folders of the fetched revision, letter by letter.',
  commands: ['kubectl -n $NS get kustomization $NAME -o jsonpath="{.spec.path}"'],
  says: [[/kustomization path not found/i, 0.96]],
  examples: [{ symptom: 'kustomization path not found: stat /tmp/x/apps: no such file or directory', found: true }],
};
