import type { Kustomization } from '../../api/kustomization.ts';
import { compilePredicate, type Predicate } from '../../apply/cel.ts';
import { formatDuration } from '../../base/duration.ts';
import { errorMessage } from '../../base/error.ts';
import { getCondition } from '../../runtime/conditions.ts';
import { dependencyDelayMs, gatesOf, type KustomizationDeps } from './deps.ts';
import { invalidExpression, KustomizationFault } from './fault.ts';
import type { Run } from './run.ts';
import { sourceKey } from './source.ts';

/**
 * Checks what a Kustomization depends on, read live. Throws DependencyNotReady for the first that is not as it should be,
 * InvalidCELExpression for a `readyExpr` that cannot be (spec/kustomization.md §3).
 */
export async function requireDependencies({ id, object, deps, memory, signal }: Run, revision: string): Promise<void> {
  const { dependsOn = [] } = object.spec;
  if (dependsOn.length === 0) return;
  // Before anything is read: a dependency that turns ready from now on must not go unnoticed.
  memory.dependants.add(id);
  for (const dependency of dependsOn) await requireDependency(object, dependency, revision, deps, signal);
  memory.dependants.delete(id);
}

async function requireDependency(
  object: Kustomization,
  { name, namespace: given, readyExpr }: NonNullable<Kustomization['spec']['dependsOn']>[number],
  revision: string,
  deps: KustomizationDeps,
  signal: AbortSignal,
): Promise<void> {
  const namespace = given || (object.metadata.namespace ?? '');
  const event = `Dependencies do not meet ready condition, retrying in ${formatDuration(dependencyDelayMs(deps))}`;
  const fault = (what: string) =>
    new KustomizationFault('DependencyNotReady', `dependency '${namespace}/${name}' ${what}`, 'wait', {
      event,
      eventType: 'Normal',
    });
  const predicate = compileReadyExpression(readyExpr, name);
  const ref = { apiVersion: object.apiVersion, kind: object.kind, namespace, name };
  const dependency = await deps.client.get<Kustomization>(ref, { signal });
  if (dependency === undefined) {
    throw fault(`not found: kustomizations.kustomize.toolkit.fluxcd.io "${name}" not found`);
  }
  if (predicate !== undefined) {
    if (!evaluate(predicate, object, dependency, fault)) throw fault('is not ready according to readyExpr eval');
    if (!gatesOf(deps).additiveCelDependencyCheck) return;
  }
  if (!isSettled(dependency)) throw fault('is not ready');
  if (sharesSource(object, dependency) && dependency.status?.lastAppliedRevision !== revision) {
    throw fault('revision is not up to date');
  }
}

function compileReadyExpression(expression: string | undefined, name: string): Predicate | undefined {
  if (expression === undefined || expression === '') return undefined;
  try {
    return compilePredicate(expression, `failed to evaluate dependency ${name}`, ['self', 'dep']);
  } catch (cause) {
    throw invalidExpression(cause);
  }
}

function evaluate(
  predicate: Predicate,
  self: Kustomization,
  dep: Kustomization,
  fault: (what: string) => KustomizationFault,
): boolean {
  try {
    return predicate({ self, dep });
  } catch (error) {
    throw fault(`is not ready according to readyExpr eval: ${errorMessage(error)}`);
  }
}

function isSettled(dependency: Kustomization): boolean {
  const isObserved = dependency.status?.observedGeneration === dependency.metadata.generation;
  return isObserved && getCondition(dependency, 'Ready')?.status === 'True';
}

function sharesSource(a: Kustomization, b: Kustomization): boolean {
  const [x, y] = [sourceKey(a), sourceKey(b)];
  return x.kind === y.kind && x.name === y.name && x.namespace === y.namespace;
}
