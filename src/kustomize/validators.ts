import { deepEqual } from '../base/json.ts';
import { cloneValue } from '../yaml/original-text.ts';
import { buildError } from './build-error.ts';
import { formatId } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';

const validatedBy = 'validated-by';

/** Runs a validator, which may look but not change anything other than the label that says so. Throws KUSTOMIZE_BUILD_FAILED. */
export function requireUnchanged(list: ResourceList, validate: () => void, where: string): void {
  const before = list.resources.map(({ object }) => cloneValue(object));
  validate();
  const unchanged =
    before.length === list.resources.length &&
    list.resources.every(({ object }, index) => deepEqual(before[index], withoutMark(object)));
  if (unchanged) return;
  const changed = list.resources.find(({ object }, index) => !deepEqual(before[index], withoutMark(object)));
  const what = changed === undefined ? 'the list of objects' : formatId(changed.id);
  throw buildError(where, `a validator may not change anything, but it changed ${what}`);
}

function withoutMark(object: Record<string, unknown>): unknown {
  const metadata = object['metadata'] as { labels?: Record<string, unknown> } | undefined;
  if (metadata?.labels?.[validatedBy] === undefined) return object;
  const { [validatedBy]: _, ...labels } = metadata.labels;
  const { labels: __, ...rest } = metadata;
  return { ...object, metadata: Object.keys(labels).length === 0 ? rest : { ...rest, labels } };
}
