import { isRecord } from '../base/json.ts';
import { scalarText, textOf } from '../yaml/original-text.ts';
import { buildError } from './build-error.ts';
import { type FieldPlace, type FieldSpec, setAtPlace, valueAtPlace, visitFields } from './field-spec.ts';
import type { Resource } from './resource.ts';
import { formatId, isSelectedBy } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';

/** Kinds whose names mean something by themselves. */
const fixedNames = [
  { kind: 'CustomResourceDefinition' },
  { group: 'apiregistration.k8s.io', kind: 'APIService' },
  { kind: 'Namespace' },
];

/** `namePrefix`: names, and whatever else the specs say. */
export function addPrefix(list: ResourceList, prefix: string, specs: readonly FieldSpec[]): void {
  affix(list, specs, prefix, { side: 'prefixes', change: (text) => `${prefix}${text}` });
}

/** `nameSuffix`: names, and whatever else the specs say. */
export function addSuffix(list: ResourceList, suffix: string, specs: readonly FieldSpec[]): void {
  affix(list, specs, suffix, { side: 'suffixes', change: (text) => `${text}${suffix}` });
}

interface Affix {
  side: 'prefixes' | 'suffixes';
  change(text: string): string;
}

function affix(list: ResourceList, specs: readonly FieldSpec[], text: string, { side, change }: Affix): void {
  for (const resource of list.resources) {
    const id = resource.originalId;
    if (fixedNames.some((kind) => isSelectedBy(id, kind))) continue;
    for (const spec of specs) {
      if (!isSelectedBy(id, spec)) continue;
      if (spec.path === 'metadata/name' && text !== '') {
        resource[side].push(text);
        resource.rememberId();
      }
      visitFields(resource, spec, { creates: 'scalar' }, (place) => {
        setAtPlace(place, change(placeText(place, resource, spec)));
      });
    }
  }
  list.idsChanged();
}

/** The text of the single value at a place. Throws KUSTOMIZE_BUILD_FAILED for collections. */
export function placeText(place: FieldPlace, resource: Resource, spec: FieldSpec): string {
  const value = valueAtPlace(place);
  if (Array.isArray(value) || isRecord(value)) {
    const kind = Array.isArray(value) ? 'a list' : 'a mapping';
    throw buildError(
      resource.source,
      `the field '${spec.path}' of ${formatId(resource.id)} should be a single value, not ${kind}`,
    );
  }
  return isRecord(place.holder) ? textOf(place.holder, String(place.key)) : scalarText(value);
}
