import { buildError } from './build-error.ts';
import { type FieldSpec, setAtPlace, visitFields } from './field-spec.ts';
import { placeText } from './names.ts';
import { isSelectedBy } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';

/** An entry of `replicas`. */
export interface ReplicaChange {
  name?: string;
  count?: number | bigint;
}

/** Sets the number of replicas of the workloads of a name, present or former. Throws KUSTOMIZE_BUILD_FAILED where there is none. */
export function setReplicas(
  list: ResourceList,
  { name = '', count = 0 }: ReplicaChange,
  specs: readonly FieldSpec[],
  where: string,
): void {
  let found = false;
  for (const spec of specs) {
    for (const resource of list.resources) {
      const isMeant = [resource.id, ...resource.previousIds].some((id) => id.name === name && isSelectedBy(id, spec));
      if (!isMeant) continue;
      found = true;
      visitFields(resource, spec, { creates: 'scalar' }, (place) => {
        placeText(place, resource, spec);
        setAtPlace(place, count);
      });
    }
  }
  if (!found) {
    const kinds = specs.map(({ kind }) => kind ?? 'any kind').join(', ');
    throw buildError(where, `'replicas' names '${name}', but there is no workload of that name (${kinds})`);
  }
}
