import { valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type Fields, items, struct } from '../defaults/fields.ts';
import { ageColumn, nameColumn, text, textAt } from './cells.ts';
import type { Column } from './column.ts';
import { humanDuration } from './human-duration.ts';

/** The table of pods: its status is the most telling reason of its containers. */
export const podColumns: readonly Column[] = [
  nameColumn,
  text(
    'Ready',
    (pod) => `${statuses(pod).filter(({ ready }) => ready === true).length}/${items(pod['spec'], 'containers').length}`,
  ),
  text('Status', podReason),
  text('Restarts', restarts),
  ageColumn,
  text('IP', (pod) => textAt(pod, ['status', 'podIP']), 1),
  text('Node', (pod) => textAt(pod, ['spec', 'nodeName']), 1),
  text('Nominated Node', (pod) => textAt(pod, ['status', 'nominatedNodeName']), 1),
  text('Readiness Gates', () => '<none>', 1),
];

function statuses(pod: KubeObject): Fields[] {
  return items(pod['status'], 'containerStatuses');
}

function podReason(pod: KubeObject): string {
  let reason = textAt(pod, ['status', 'reason'], textAt(pod, ['status', 'phase'], 'Unknown'));
  const initialising = initReason(pod);
  if (initialising !== undefined) reason = initialising;
  else {
    let running = false;
    for (const status of statuses(pod).reverse()) {
      const waiting = valueAt(status, 'state', 'waiting', 'reason');
      const terminated = struct(status, 'state', 'terminated');
      if (waiting) reason = String(waiting);
      else if (terminated !== undefined) reason = String(terminated['reason'] ?? `ExitCode:${terminated['exitCode']}`);
      else if (status['ready'] === true && struct(status, 'state', 'running') !== undefined) running = true;
    }
    if (reason === 'Completed' && running) reason = 'Running';
  }
  return pod.metadata.deletionTimestamp === undefined ? reason : 'Terminating';
}

function initReason(pod: KubeObject): string | undefined {
  const all = items(pod['spec'], 'initContainers').length;
  let done = 0;
  for (const status of items(pod['status'], 'initContainerStatuses')) {
    const waiting = valueAt(status, 'state', 'waiting', 'reason');
    if (valueAt(status, 'state', 'terminated', 'exitCode') === 0) {
      done++;
      continue;
    }
    return waiting && waiting !== 'PodInitializing' ? `Init:${String(waiting)}` : `Init:${done}/${all}`;
  }
  return undefined;
}

function restarts(pod: KubeObject, now: number): string {
  const count = statuses(pod).reduce((sum, status) => sum + Number(status['restartCount'] ?? 0), 0);
  const last = statuses(pod)
    .map((status) => valueAt(status, 'lastState', 'terminated', 'finishedAt'))
    .filter((time): time is string => typeof time === 'string')
    .sort()
    .at(-1);
  return count > 0 && last !== undefined ? `${count} (${humanDuration(now - Date.parse(last))} ago)` : String(count);
}
