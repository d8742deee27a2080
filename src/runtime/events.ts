import type { KubeObject } from '../base/kube-object.ts';

/**
 * Normal and Warning are shown on the object and forwarded to notifications; Trace is shown as a Normal event and never
 * forwarded (spec/source.md §2.6).
 */
export type EventType = 'Normal' | 'Warning' | 'Trace';

/** Tells people what happened to an object. Never throws and never waits: reporting must not hold up the work. */
export interface EventRecorder {
  /** `metadata` goes to notifications: keys with the group's prefix, such as `source.toolkit.fluxcd.io/revision`. */
  event(
    object: KubeObject,
    type: EventType,
    reason: string,
    message: string,
    metadata?: Readonly<Record<string, string>>,
  ): void;
}

/** Keeps quiet; for library use. */
export const noEvents: EventRecorder = { event() {} };
