import type { Rule } from '../rule.ts';

export const postbuildVariableMissing: Rule = {
  code: 'postbuild-variable-missing',
  cause:
    'A variable of the post-build substitution, or the object it comes from, is missing. Since Flux 2.9 that fails the build.',
  fix: 'Define the variable, give it a default (${VAR:=x}), escape it ($${VAR}), or disable substitution for the object.',
  commands: ['kubectl -n $NS get kustomization $NAME -o jsonpath="{.spec.postBuild}"'],
  says: [
    [/variable not set \(strict mode\)/i, 0.96],
    [/substitute from '?(ConfigMap|Secret)/i, 0.95],
    [/envsubst error|variable substitution failed|unable to parse variable name|\bvariable not set\b/i, 0.93],
    [/post ?build[\s\S]*(unset|fail)[\s\S]*\$\{|\$\{\w+\}[^.]*(empty|unset|not set)/i, 0.85],
    [/var name is invalid, must match/i, 0.9],
  ],
  examples: [{ symptom: 'post build failed for x: variable not set (strict mode): "DOMAIN"', found: true }],
};
