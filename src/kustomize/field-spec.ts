import { isRecord } from '../base/json.ts';
import { buildError } from './build-error.ts';
import type { Resource } from './resource.ts';
import { formatId, type GroupVersionKind, isSelectedBy } from './resource-id.ts';

/** A place in objects of a kind, as kustomize's configurations name it. */
export interface FieldSpec extends Partial<GroupVersionKind> {
  /** Steps with `/` between them; `\/` is a slash within a step; lists are walked through. */
  path: string;
  /** The place is made where it is missing. */
  create?: boolean;
}

/** A place that was found: the mapping or list, and the key or index in it. */
export interface FieldPlace {
  holder: Record<string, unknown> | unknown[];
  key: string | number;
}

export function valueAtPlace({ holder, key }: FieldPlace): unknown {
  return (holder as Record<string | number, unknown>)[key];
}

export function setAtPlace({ holder, key }: FieldPlace, value: unknown): void {
  (holder as Record<string | number, unknown>)[key] = value;
}

export interface VisitOptions {
  /** What is made where a spec says `create`; without it nothing is made. */
  creates?: 'scalar' | 'mapping';
}

/**
 * Calls `visit` with every place of an object that the spec names. Throws KUSTOMIZE_BUILD_FAILED where the path leads through a
 * single value.
 */
export function visitFields(
  resource: Resource,
  spec: FieldSpec,
  { creates }: VisitOptions,
  visit: (place: FieldPlace) => void,
): void {
  if (!isSelectedBy(resource.gvk, spec)) return;
  const path = stepsOf(spec);
  const made = spec.create === true ? creates : undefined;
  if (made === undefined && isMissing(resource.object, path)) return;
  new FieldWalk(resource, spec, path, made, visit).walk([resource.object], 0, 0);
}

/** Whether a path ends before its first list. Most specs of most objects lead nowhere. */
function isMissing(object: object, path: readonly string[]): boolean {
  let value: unknown = object;
  for (const step of path) {
    if (!isRecord(value) || step === '' || step === '[]') return false;
    const isList = step.endsWith('[]');
    if (!Object.hasOwn(value, isList ? step.slice(0, -2) : step)) return true;
    if (isList) return false;
    value = value[step];
  }
  return false;
}

class FieldWalk {
  private readonly resource: Resource;
  private readonly spec: FieldSpec;
  private readonly path: readonly string[];
  private readonly made: VisitOptions['creates'];
  private readonly visit: (place: FieldPlace) => void;

  constructor(
    resource: Resource,
    spec: FieldSpec,
    path: readonly string[],
    made: VisitOptions['creates'],
    visit: (place: FieldPlace) => void,
  ) {
    this.resource = resource;
    this.spec = spec;
    this.path = path;
    this.made = made;
    this.visit = visit;
  }

  walk(holder: FieldPlace['holder'], key: string | number, depth: number): void {
    const value = (holder as Record<string | number, unknown>)[key];
    if (depth === this.path.length) return this.visit({ holder, key });
    if (value === null || value === undefined) return;
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) this.walk(value, index, depth);
    } else if (isRecord(value)) this.walkInto(value, this.path[depth] ?? '', depth);
    else {
      const where = `the field '${this.spec.path}' of ${formatId(this.resource.id)}`;
      const what = `${where} leads through a single value: ${JSON.stringify(String(value))}`;
      throw buildError(this.resource.source, what);
    }
  }

  private walkInto(map: Record<string, unknown>, step: string, depth: number): void {
    const name = step.endsWith('[]') ? step.slice(0, -2) : step;
    if (name === '') throw buildError(this.resource.source, `the path '${this.spec.path}' has an empty step`);
    const canCreate = this.made !== undefined && name === step;
    const isMissing = !Object.hasOwn(map, name);
    if (isMissing && !canCreate) return;
    const last = depth + 1 === this.path.length;
    if ((isMissing || map[name] === null) && canCreate && !(last && this.made === 'scalar')) map[name] = {};
    else if (map[name] === null && name !== step) map[name] = [];
    this.walk(map, name, depth + 1);
  }
}

const knownByKind = new WeakMap<readonly FieldSpec[], Map<string, readonly FieldSpec[]>>();

/** Those of the specs that may concern a resource: of hundreds in a table few are for its kind. */
export function specsFor({ kind }: Resource, specs: readonly FieldSpec[]): readonly FieldSpec[] {
  let byKind = knownByKind.get(specs);
  if (byKind === undefined) {
    byKind = new Map();
    knownByKind.set(specs, byKind);
  }
  let selected = byKind.get(kind);
  if (selected === undefined) {
    selected = specs.filter((spec) => !spec.kind || spec.kind === kind);
    byKind.set(kind, selected);
  }
  return selected;
}

/** The steps of each spec: the same few specs are used for all objects. */
const knownSteps = new WeakMap<FieldSpec, readonly string[]>();

export function stepsOf(spec: FieldSpec): readonly string[] {
  let steps = knownSteps.get(spec);
  if (steps === undefined) {
    steps = splitPath(spec.path);
    knownSteps.set(spec, steps);
  }
  return steps;
}

export function splitPath(path: string): string[] {
  const steps = path.split('/');
  if (steps.length > 1 && steps[0] === '') steps.shift();
  const result: string[] = [];
  for (const step of steps) {
    const last = result.at(-1);
    if (last?.endsWith('\\') === true) result[result.length - 1] = `${last.slice(0, -1)}/${step}`;
    else result.push(step);
  }
  return result;
}
