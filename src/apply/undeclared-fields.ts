import { builtinKind } from '../api/builtin/builtin-kinds.ts';
import { deepEqual, isRecord } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { kubeStatusOf } from '../kube/status-error.ts';

/**
 * The fields of a manifest that the server says its kind does not have, as paths of managed fields
 * (`.spec.template.spec.containers[name="web"].bogus`). Only of built-in kinds: Flux reads those into their types, which drops
 * such fields before they are applied (spec/kustomization.md §7); of other kinds they are an error. Empty where the error is
 * another one.
 */
export function undeclaredFields({ apiVersion, kind }: KubeObject, error: unknown): string[] {
  if (builtinKind(apiVersion, kind) === undefined || /^api(extensions|registration)\.k8s\.io\//.test(apiVersion))
    return [];
  // Their rules do not survive the way through the type, so Flux takes them as they are.
  if (kind === 'Role' || kind === 'ClusterRole') return [];
  const message = kubeStatusOf(error)?.message ?? '';
  if (!message.startsWith('failed to create typed patch object')) return [];
  return [...message.matchAll(/(?:^|[:\n])\s*(\.\S.*?): field not declared in schema/g)].map(([, path = '']) => path);
}

/** The object without the fields at some paths of managed fields. */
export function withoutFields(object: KubeObject, paths: readonly string[]): KubeObject {
  const copy = structuredClone(object);
  for (const path of paths) {
    const steps = [...path.matchAll(/\.([^.[]+)|\[((?:"(?:\\.|[^"\\])*"|[^\]"])*)\]/g)].map(([, field, item]) => ({
      field,
      item,
    }));
    const last = steps.pop()?.field;
    let at: unknown = copy;
    for (const { field, item } of steps)
      at = field === undefined ? itemOf(at, item ?? '') : isRecord(at) ? at[field] : undefined;
    if (last !== undefined && isRecord(at)) delete at[last];
  }
  return copy;
}

/** `0` by position, `name="web",port=80` by the fields of an item. */
function itemOf(list: unknown, selector: string): unknown {
  if (!Array.isArray(list)) return undefined;
  if (/^\d+$/.test(selector)) return list[Number(selector)];
  const fields = [...selector.matchAll(/(\w+)=("(?:\\.|[^"\\])*"|[^,]+)/g)];
  return list.find((item) =>
    fields.every(([, name = '', value = '']) => isRecord(item) && deepEqual(item[name], JSON.parse(value))),
  );
}
