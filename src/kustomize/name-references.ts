import { isRecord } from '../base/json.ts';
import { textOf } from '../yaml/original-text.ts';
import { buildError } from './build-error.ts';
import type { NameReference } from './default-name-references.ts';
import { type FieldPlace, type FieldSpec, setAtPlace, valueAtPlace, visitFields } from './field-spec.ts';
import { FieldTree } from './field-tree.ts';
import { placeText } from './names.ts';
import type { Resource } from './resource.ts';
import {
  effectiveNamespace,
  formatId,
  type GroupVersionKind,
  isSelectedBy,
  noNamespace,
  type ResourceId,
} from './resource-id.ts';

/** A place that may name another object, and of what kind that is. */
interface Followed {
  spec: FieldSpec;
  /** The same path for the kinds that referrers have by now. */
  anywhere: FieldSpec;
  target: Partial<GroupVersionKind>;
}

/** Lets what refers to a renamed or moved object follow it. Throws KUSTOMIZE_BUILD_FAILED where several could be meant. */
export function fixNameReferences(resources: readonly Resource[], references: readonly NameReference[]): void {
  const index = new TargetIndex(resources);
  const followedByKind = new Map<string, FieldTree<Followed>>();
  for (const referrer of resources) {
    const id = referrer.originalId;
    const key = `${id.group}\0${id.version}\0${id.kind}`;
    let followed = followedByKind.get(key);
    if (followed === undefined) {
      followed = new FieldTree(followedBy(id, references));
      followedByKind.set(key, followed);
    }
    const present = followed.of(referrer.object);
    if (present.length > 0) new Follower(referrer, index).follow(present);
  }
}

function followedBy(id: ResourceId, references: readonly NameReference[]): Followed[] {
  return references.flatMap(({ fieldSpecs, ...target }) =>
    fieldSpecs
      .filter((spec) => isSelectedBy(id, spec))
      .map((spec) => ({ spec, anywhere: { path: spec.path }, target })),
  );
}

/** A resource that has had other names, with what is needed to tell whether it is meant. */
interface Target {
  resource: Resource;
  id: ResourceId;
  previousIds: readonly ResourceId[];
}

class TargetIndex {
  private readonly byName = new Map<string, Target[]>();
  private readonly byOriginalNamespace = new Map<string, Target[]>();

  constructor(resources: readonly Resource[]) {
    for (const resource of resources) {
      const { id, previousIds } = resource;
      const target = { resource, id, previousIds };
      const namespace = effectiveNamespace(previousIds[0] ?? id);
      const neighbours = this.byOriginalNamespace.get(namespace);
      if (neighbours === undefined) this.byOriginalNamespace.set(namespace, [target]);
      else neighbours.push(target);
      for (const name of new Set(previousIds.map((previous) => previous.name))) {
        const list = this.byName.get(name);
        if (list === undefined) this.byName.set(name, [target]);
        else list.push(target);
      }
    }
  }

  /** Resources that had the name before, in order. */
  formerly(name: string): readonly Target[] {
    return this.byName.get(name) ?? [];
  }

  /** Resources, renamed or not, that were in the namespace at first. */
  firstIn(namespace: string): readonly Target[] {
    return this.byOriginalNamespace.get(namespace) ?? [];
  }
}

class Follower {
  private readonly referrer: Resource;
  private readonly id: ResourceId;
  private readonly index: TargetIndex;
  /** Namespaces of the service accounts that a RoleBinding names. */
  private readonly subjectNamespaces: ReadonlySet<string>;

  constructor(referrer: Resource, index: TargetIndex) {
    this.referrer = referrer;
    this.id = referrer.id;
    this.index = index;
    this.subjectNamespaces = this.id.isClusterScoped ? new Set() : namespacesOfSubjects(referrer);
  }

  follow(followed: readonly Followed[]): void {
    for (const { spec, anywhere, target } of followed) {
      const select: Select = (wanted) => this.select({ ...wanted, spec, target });
      visitFields(this.referrer, anywhere, {}, (place) => this.update(place, spec, select));
    }
  }

  private update(place: FieldPlace, spec: FieldSpec, select: Select): void {
    const value = valueAtPlace(place);
    if (value === null || value === undefined) return;
    if (Array.isArray(value)) {
      for (const key of value.keys()) {
        if (Array.isArray(value[key])) throw this.fault(`'${spec.path}' should hold names or mappings, not lists`);
        this.updateOne({ holder: value, key }, spec, select);
      }
    } else this.updateOne(place, spec, select);
  }

  private updateOne(place: FieldPlace, spec: FieldSpec, select: Select): void {
    const value = valueAtPlace(place);
    if (value === null) return;
    if (isRecord(value)) return this.updateMapping(value, spec, select);
    const name = placeText(place, this.referrer, spec);
    const found = select({ name, isInMapping: false });
    if (found !== undefined && found.name !== name) setAtPlace(place, found.name);
  }

  private updateMapping(value: Record<string, unknown>, spec: FieldSpec, select: Select): void {
    if (!Object.hasOwn(value, 'name')) throw this.fault(`there is no 'name' in '${spec.path}'`);
    const name = textOf(value, 'name');
    const found = select({
      name,
      isInMapping: true,
      ...(Object.hasOwn(value, 'namespace') ? { namespace: textOf(value, 'namespace') } : {}),
    });
    if (found === undefined || (found.name === name && found.namespace === '')) return;
    value['name'] = found.name;
    if (found.namespace !== '') value['namespace'] = found.namespace;
  }

  /** The one object that is meant, if it can be told. */
  private select({
    name,
    namespace,
    isInMapping,
    spec,
    target,
  }: Wanted & Pick<Followed, 'spec' | 'target'>): Resource | undefined {
    let candidates = this.index.formerly(name).filter((one) => this.couldRefer(one));
    if (namespace !== undefined) candidates = this.inNamespace(candidates, namespace);
    const roleRef = spec.path.endsWith('roleRef/name') ? this.roleRef() : undefined;
    candidates = candidates.filter(
      ({ previousIds, id, resource }) =>
        previousIds.some((previous) => isSelectedBy(previous, target)) &&
        (roleRef === undefined || previousIds.some((previous) => isSelectedBy(previous, roleRef))) &&
        (this.id.isClusterScoped || id.isClusterScoped || resource.kind === 'ServiceAccount' || this.isNear(id)),
    );
    if (candidates.length === 1) return candidates[0]?.resource;
    candidates = candidates.filter(({ resource }) => sharesAffixes(this.referrer, resource, true));
    if (candidates.length > 1)
      candidates = candidates.filter(({ resource }) => sharesAffixes(this.referrer, resource, false));
    const [first] = candidates;
    if (first === undefined) return undefined;
    const same = candidates.every(
      ({ resource }) =>
        resource.name === first.resource.name && (!isInMapping || resource.namespace === first.resource.namespace),
    );
    if (same) return first.resource;
    const ids = candidates.map(({ id }) => formatId(id)).join(', ');
    throw this.fault(`'${name}' in '${spec.path}' could mean several objects: ${ids}`);
  }

  /** Whether the referrer may refer to it at all, as far as namespaces go. */
  private couldRefer({ id, resource }: Target): boolean {
    return (
      this.id.isClusterScoped || id.isClusterScoped || this.isNear(id) || this.subjectNamespaces.has(resource.namespace)
    );
  }

  private isNear(id: ResourceId): boolean {
    return effectiveNamespace(id) === effectiveNamespace(this.id);
  }

  /** Those that were in the namespace at first, if anything was; else those that are there now. */
  private inNamespace(candidates: readonly Target[], namespace: string): Target[] {
    if (namespace === noNamespace) return [];
    const wasUsed = this.index.firstIn(namespace).some((target) => this.couldRefer(target));
    return candidates.filter(
      ({ resource, id }) => effectiveNamespace(wasUsed ? resource.originalId : id) === namespace,
    );
  }

  /** What a binding says about its role. */
  private roleRef(): Partial<GroupVersionKind> | undefined {
    const role = this.referrer.object['roleRef'];
    if (!isRecord(role) || !Object.hasOwn(role, 'apiGroup') || !Object.hasOwn(role, 'kind')) return undefined;
    return { group: textOf(role, 'apiGroup'), kind: textOf(role, 'kind') };
  }

  private fault(what: string) {
    return buildError(this.referrer.source, `${formatId(this.id)}: ${what}`);
  }
}

interface Wanted {
  name: string;
  /** As it stands beside the name. */
  namespace?: string;
  /** The name is a field of a mapping, in which a namespace may be set too. */
  isInMapping: boolean;
}

type Select = (wanted: Wanted) => Resource | undefined;

function namespacesOfSubjects(referrer: Resource): ReadonlySet<string> {
  const result = new Set<string>();
  const subjects = referrer.object['subjects'];
  if (referrer.kind !== 'RoleBinding' || !Array.isArray(subjects)) return result;
  for (const subject of subjects) {
    const where = formatId(referrer.id);
    if (!isRecord(subject)) throw buildError(referrer.source, `${where}: a subject should be a mapping`);
    if (!Object.hasOwn(subject, 'namespace') || subject['kind'] !== 'ServiceAccount') continue;
    if (typeof subject['namespace'] !== 'string')
      throw buildError(
        referrer.source,
        `${where}: the namespace of a subject is blank`,
        'Name it, or leave the field out.',
      );
    result.add(subject['namespace']);
  }
  return result;
}

/** Whether two names were affixed in the same places: the shorter list of affixes is how the longer one ends. */
function sharesAffixes(referrer: Resource, target: Resource, allowsNone: boolean): boolean {
  return (
    sharesEnd(referrer.prefixes, target.prefixes, allowsNone) &&
    sharesEnd(referrer.suffixes, target.suffixes, allowsNone)
  );
}

function sharesEnd(left: readonly string[], right: readonly string[], allowsNone: boolean): boolean {
  const length = Math.min(left.length, right.length);
  if (length === 0) return allowsNone || left.length === right.length;
  return left.slice(-length).join('\0') === right.slice(-length).join('\0');
}
