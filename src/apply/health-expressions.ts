import { errorMessage, MillraceError } from '../base/error.ts';
import { valueAt } from '../base/json.ts';
import { groupOf, type KubeObject } from '../base/kube-object.ts';
import { compilePredicate, type Predicate } from './cel.ts';
import type { Health } from './kstatus.ts';

/** `spec.healthCheckExprs[]`: how to tell the health of a kind that kstatus knows nothing of. */
export interface HealthExpression {
  apiVersion: string;
  kind?: string | undefined;
  current: string;
  inProgress?: string | undefined;
  failed?: string | undefined;
}

/** The health of an object by an expression for its kind; undefined where there is none. */
export type HealthRules = (object: KubeObject) => Health | undefined;

interface CompiledRule {
  current: Predicate;
  inProgress: Predicate | undefined;
  failed: Predicate | undefined;
}

/**
 * Compiles the expressions. They are matched by group and kind, the version does not count; one with a kind goes before
 * one for the whole group (spec/kustomization.md §11.1). Throws CEL_INVALID, for two of the same group and kind too.
 */
export function compileHealthRules(expressions: readonly HealthExpression[]): HealthRules {
  const rules = new Map<string, CompiledRule>();
  for (const [index, { apiVersion, kind, ...texts }] of expressions.entries()) {
    const where = `spec.healthCheckExprs[${index}]`;
    const key = `${groupOf(apiVersion)}/${kind ?? ''}`;
    if (rules.has(key)) {
      const named = `${groupOf(apiVersion)}${kind === undefined ? '' : `/${kind}`}`;
      throw new MillraceError('CEL_INVALID', `${where}: duplicate expressions for '${named}'`, { retry: 'never' });
    }
    const compile = (name: 'current' | 'inProgress' | 'failed') => {
      const text = texts[name];
      return text === undefined || text === '' ? undefined : compilePredicate(text, `${where}.${name}`);
    };
    const current = compile('current');
    if (current === undefined) {
      throw new MillraceError('CEL_INVALID', `${where}.current: the expression is empty`, { retry: 'never' });
    }
    rules.set(key, { current, inProgress: compile('inProgress'), failed: compile('failed') });
  }
  return (object) => {
    const group = groupOf(object.apiVersion);
    const rule = rules.get(`${group}/${object.kind}`) ?? rules.get(`${group}/`);
    return rule === undefined ? undefined : evaluate(rule, object);
  };
}

function evaluate({ current, inProgress, failed }: CompiledRule, object: KubeObject): Health {
  const observed = valueAt(object, 'status', 'observedGeneration');
  const { generation } = object.metadata;
  if (typeof observed === 'number' && generation !== undefined && observed !== generation) {
    return { status: 'InProgress', message: `generation is ${generation}, observed is ${observed}` };
  }
  try {
    if (inProgress?.(object)) return { status: 'InProgress', message: '' };
    if (failed?.(object)) return { status: 'Failed', message: '' };
    return { status: current(object) ? 'Current' : 'InProgress', message: '' };
  } catch (error) {
    return { status: 'Unknown', message: errorMessage(error) };
  }
}
