import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import type { MarkerFinding } from '../../images/lint-markers.ts';
import { getCondition, removeConditions, setCondition } from '../../runtime/conditions.ts';
import type { EventRecorder } from '../../runtime/events.ts';
import type { ImageRun } from '../image/run.ts';
import type { PolicyScope } from './policies.ts';

const mostShown = 10;

/**
 * Says in conditions which markers do nothing and which policies were passed over, and why: Flux is silent about both.
 * `Ready` is not concerned. An event tells of every change.
 */
export function showFindings(
  run: ImageRun<ImageUpdateAutomation>,
  events: EventRecorder,
  { findings, skipped }: { findings: readonly MarkerFinding[]; skipped: PolicyScope['skipped'] },
): void {
  const markers = findings.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  show(run, events, 'MarkersIgnored', markers);
  const policies = skipped.map(({ policy, reason }) => `${policy}: ${reason}`);
  show(run, events, 'PoliciesSkipped', policies);
}

function show(
  { object, clock }: ImageRun<ImageUpdateAutomation>,
  events: EventRecorder,
  type: string,
  lines: string[],
): void {
  if (lines.length === 0) {
    removeConditions(object, type);
    return;
  }
  const more = lines.length > mostShown ? [`and ${lines.length - mostShown} more`] : [];
  const message = [...lines.slice(0, mostShown), ...more].join('; ');
  if (getCondition(object, type)?.message === message) return;
  setCondition(object, { type, status: 'True', reason: type, message }, clock);
  events.event(object, type === 'MarkersIgnored' ? 'Warning' : 'Trace', type, message);
}
