import { isRecord } from '../base/json.ts';

/**
 * Changes the value at every place that a path leads to; lists are walked through. A last step ending in `!` is created where
 * it is missing, as are the maps on its way.
 */
export function updateAt(target: unknown, path: string, change: (value: unknown) => unknown): void {
  const creates = path.endsWith('!');
  walk(target, (creates ? path.slice(0, -1) : path).split('/'), creates, change);
}

function walk(target: unknown, path: readonly string[], creates: boolean, change: (value: unknown) => unknown): void {
  if (Array.isArray(target)) {
    for (const item of target) walk(item, path, creates, change);
    return;
  }
  const [key, ...rest] = path;
  if (!isRecord(target) || key === undefined) return;
  if (rest.length === 0) {
    if (target[key] !== undefined || creates) target[key] = change(target[key]);
    return;
  }
  if (target[key] === undefined || target[key] === null) {
    if (!creates) return;
    target[key] = {};
  }
  walk(target[key], rest, creates, change);
}

/** Where the pod templates of the workload kinds are. */
export const podSpecPaths: Readonly<Record<string, string>> = {
  Pod: 'spec',
  Deployment: 'spec/template/spec',
  StatefulSet: 'spec/template/spec',
  DaemonSet: 'spec/template/spec',
  ReplicaSet: 'spec/template/spec',
  ReplicationController: 'spec/template/spec',
  Job: 'spec/template/spec',
  CronJob: 'spec/jobTemplate/spec/template/spec',
  PodTemplate: 'template/spec',
};
