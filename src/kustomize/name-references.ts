import { isRecord } from '../base/json.ts';
import { groupOf, versionOf } from '../base/kube-object.ts';
import { buildError } from './build-error.ts';
import type { NameReference } from './default-field-specs.ts';
import { specMatches, updateFields } from './field-spec.ts';
import { isNamespaced, type Resource } from './resource.ts';

/** Lets what refers to a renamed or moved object follow it: resources of the same build that had the name at any time. */
export function fixNameReferences(resources: readonly Resource[], references: readonly NameReference[]): void {
  const byName = new Map<string, Resource[]>();
  for (const resource of resources) {
    for (const name of resource.names) {
      const key = `${resource.originalKind}/${name}`;
      const list = byName.get(key);
      if (list === undefined) byName.set(key, [resource]);
      else list.push(resource);
    }
  }
  for (const referrer of resources) {
    for (const reference of references) {
      const specs = reference.fieldSpecs.filter((spec) => specMatches(spec, referrer.object));
      if (specs.length === 0 || !meansKind(referrer, reference)) continue;
      const find = (name: string, namespace?: string) =>
        findTarget({ referrer, reference, candidates: byName.get(`${reference.kind}/${name}`) ?? [] }, namespace);
      updateFields(
        referrer.object,
        specs.map((spec) => ({ ...spec, create: false })),
        (value) => follow(value, find),
      );
    }
  }
}

/** A binding names the kind of its role. */
function meansKind({ object }: Resource, { kind }: NameReference): boolean {
  const role = object['roleRef'];
  return (kind !== 'Role' && kind !== 'ClusterRole') || !isRecord(role) || role['kind'] === kind;
}

type Find = (name: string, namespace?: string) => Resource | undefined;

function follow(value: unknown, find: Find): unknown {
  if (typeof value === 'string') return find(value)?.object.metadata.name ?? value;
  if (Array.isArray(value)) return value.map((item) => follow(item, find));
  if (!isRecord(value) || typeof value['name'] !== 'string') return value;
  const namespace = typeof value['namespace'] === 'string' ? value['namespace'] : '';
  const target = find(value['name'], namespace);
  if (target === undefined) return value;
  const { metadata } = target.object;
  return {
    ...value,
    name: metadata.name,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  };
}

interface Search {
  referrer: Resource;
  reference: NameReference;
  candidates: readonly Resource[];
}

const effective = (namespace: string) => (namespace === '' ? 'default' : namespace);

function findTarget({ referrer, reference, candidates }: Search, namespace?: string): Resource | undefined {
  let found = candidates.filter(
    ({ object }) =>
      (!reference.group || reference.group === groupOf(object.apiVersion)) &&
      (!reference.version || reference.version === versionOf(object.apiVersion)),
  );
  if (namespace !== undefined && namespace !== '') {
    found = found.filter(
      (target) =>
        !isNamespaced(target.object) || target.namespaces.some((one) => effective(one) === effective(namespace)),
    );
  } else {
    const own = isNamespaced(referrer.object) ? effective(referrer.object.metadata.namespace ?? '') : undefined;
    if (own !== undefined) {
      found = found.filter(({ object }) => !isNamespaced(object) || effective(object.metadata.namespace ?? '') === own);
    }
  }
  if (found.length > 1) found = prefer(found, (target) => sharesAffixes(referrer, target, true));
  if (found.length > 1) found = prefer(found, (target) => sharesAffixes(referrer, target, false));
  const [first] = found;
  if (first === undefined) return undefined;
  if (found.some(({ object }) => object.metadata.name !== first.object.metadata.name)) {
    throw buildError(
      referrer.origin,
      `${referrer.object.kind}/${referrer.object.metadata.name}: several ${reference.kind}s could be meant by one name`,
    );
  }
  return first;
}

function prefer(found: Resource[], wanted: (target: Resource) => boolean): Resource[] {
  const kept = found.filter(wanted);
  return kept.length === 0 ? found : kept;
}

function sharesAffixes(referrer: Resource, target: Resource, allowNone: boolean): boolean {
  return (
    sharesEnd(referrer.prefixes, target.prefixes, allowNone) && sharesEnd(referrer.suffixes, target.suffixes, allowNone)
  );
}

/** Whether the shorter list of affixes is how the longer one ends: the referrer was there when they were added. */
function sharesEnd(referrer: readonly string[], target: readonly string[], allowNone: boolean): boolean {
  if (!allowNone && referrer.length !== target.length) return false;
  const length = Math.min(referrer.length, target.length);
  return referrer.slice(referrer.length - length).join('\0') === target.slice(target.length - length).join('\0');
}
