import type { FluxInstance } from '../../api/flux-instance.ts';
import { instanceGroup } from '../../api/flux-instance.ts';
import { parseDuration } from '../../base/duration.ts';
import type { KubeObject } from '../../base/kube-object.ts';

function annotation({ metadata }: KubeObject, name: string): string | undefined {
  return metadata.annotations?.[`${instanceGroup}/${name}`];
}

export function isDisabled(object: KubeObject): boolean {
  return annotation(object, 'reconcile')?.toLowerCase() === 'disabled';
}

/** A duration that an annotation sets; the default where it is absent or none (spec/instance.md §4). In milliseconds. */
export function durationOf(object: KubeObject, name: string, defaultMs: number): number {
  try {
    const text = annotation(object, name);
    return text === undefined ? defaultMs : parseDuration(text);
  } catch {
    return defaultMs;
  }
}

/** A request to migrate every object, in force while the request to reconcile that came with it is. */
export function forceRequest({ metadata, status }: FluxInstance): string | undefined {
  const forceAt = metadata.annotations?.['reconcile.fluxcd.io/forceAt'];
  return forceAt !== undefined && forceAt !== status?.lastHandledForceAt ? forceAt : undefined;
}
