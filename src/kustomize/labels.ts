import { isRecord } from '../base/json.ts';
import { setKey } from '../yaml/original-text.ts';
import { buildError } from './build-error.ts';
import { type FieldSpec, specsFor, valueAtPlace, visitFields } from './field-spec.ts';
import { formatId } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';

/** Adds labels or annotations to the maps at the places. */
export function addPairs(
  list: ResourceList,
  pairs: Readonly<Record<string, string>>,
  specs: readonly FieldSpec[],
): void {
  const entries = Object.entries(pairs);
  if (entries.length === 0) return;
  for (const resource of list.resources) {
    for (const spec of specsFor(resource, specs)) {
      visitFields(resource, spec, { creates: 'mapping' }, (place) => {
        const map = valueAtPlace(place);
        if (map === null) return;
        if (!isRecord(map))
          throw buildError(resource.source, `the field '${spec.path}' of ${formatId(resource.id)} should be a mapping`);
        for (const [key, value] of entries) setKey(map, key, value);
      });
    }
  }
}
