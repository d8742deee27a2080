import type { Rule } from '../rule.ts';

export const dependencyNotReady: Rule = {
  code: 'dependency-not-ready',
  cause: 'An object named in dependsOn is missing, failing, or not at the same revision yet.',
  fix: 'Look at the dependency first; this object goes on by itself once that one is ready.',
  commands: ['millrace get kustomizations -A'],
  says: [
    [/unable to get '[^']+' dependency/i, 0.96],
    [/dependency '[^']+' (is not ready|not found|revision is not up to date)/i, 0.95],
    [/dependenc(y|ies) [\s\S]*(not ready|do not meet ready condition|not found|is not up to date)/i, 0.93],
    [/\bDependencyNotReady\b/i, 0.6],
    [/circular dependency|dependency cycle/i, 0.88],
  ],
  examples: [{ symptom: "dependency 'flux-system/infra' is not ready", found: true }],
};
