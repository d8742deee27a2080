import { valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { struct } from '../defaults/fields.ts';
import {
  age,
  ageColumn,
  containerColumns,
  integer,
  nameColumn,
  numberAt,
  selectorText,
  text,
  textAt,
} from './cells.ts';
import type { Column } from './column.ts';
import { humanDuration } from './human-duration.ts';

const template = ['spec', 'template', 'spec'];
const selector = text('Selector', (object) => selectorText(valueAt(object, 'spec', 'selector')), 1);
const ready = text(
  'Ready',
  (object) => `${numberAt(object, 'status', 'readyReplicas')}/${numberAt(object, 'spec', 'replicas')}`,
);

export const workloadTables: Readonly<Record<string, readonly Column[]>> = {
  'apps/Deployment': [
    nameColumn,
    ready,
    integer('Up-to-date', (object) => numberAt(object, 'status', 'updatedReplicas')),
    integer('Available', (object) => numberAt(object, 'status', 'availableReplicas')),
    ageColumn,
    ...containerColumns(...template),
    selector,
  ],
  'apps/ReplicaSet': [
    nameColumn,
    integer('Desired', (object) => numberAt(object, 'spec', 'replicas')),
    integer('Current', (object) => numberAt(object, 'status', 'replicas')),
    integer('Ready', (object) => numberAt(object, 'status', 'readyReplicas')),
    ageColumn,
    ...containerColumns(...template),
    selector,
  ],
  'apps/StatefulSet': [nameColumn, ready, ageColumn, ...containerColumns(...template)],
  'apps/DaemonSet': [
    nameColumn,
    integer('Desired', (object) => numberAt(object, 'status', 'desiredNumberScheduled')),
    integer('Current', (object) => numberAt(object, 'status', 'currentNumberScheduled')),
    integer('Ready', (object) => numberAt(object, 'status', 'numberReady')),
    integer('Up-to-date', (object) => numberAt(object, 'status', 'updatedNumberScheduled')),
    integer('Available', (object) => numberAt(object, 'status', 'numberAvailable')),
    text('Node Selector', (object) => nodeSelector(object)),
    ageColumn,
    ...containerColumns(...template),
    selector,
  ],
  'batch/Job': [
    nameColumn,
    text('Status', jobStatus),
    text('Completions', completions),
    text('Duration', duration),
    ageColumn,
    ...containerColumns(...template),
    selector,
  ],
  'batch/CronJob': [
    nameColumn,
    text('Schedule', (object) => textAt(object, ['spec', 'schedule'])),
    text('Timezone', (object) => textAt(object, ['spec', 'timeZone'])),
    text('Suspend', (object) => (valueAt(object, 'spec', 'suspend') === true ? 'True' : 'False')),
    integer('Active', (object) => ((valueAt(object, 'status', 'active') ?? []) as unknown[]).length),
    text('Last Schedule', (object, now) => {
      const last = valueAt(object, 'status', 'lastScheduleTime');
      return last === undefined ? '<none>' : age(last, now);
    }),
    ageColumn,
    ...containerColumns('spec', 'jobTemplate', 'spec', 'template', 'spec'),
    text('Selector', (object) => selectorText(valueAt(object, 'spec', 'jobTemplate', 'spec', 'selector')), 1),
  ],
};

function nodeSelector(object: KubeObject): string {
  const labels = struct(object, 'spec', 'template', 'spec', 'nodeSelector') ?? {};
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
}

function jobStatus(job: KubeObject): string {
  const conditions = (valueAt(job, 'status', 'conditions') ?? []) as { type: string; status: string }[];
  const holds = (type: string) => conditions.some((one) => one.type === type && one.status === 'True');
  if (holds('Complete')) return 'Complete';
  if (holds('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (holds('Suspended')) return 'Suspended';
  return holds('FailureTarget') ? 'FailureTarget' : holds('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

function completions(job: KubeObject): string {
  const done = numberAt(job, 'status', 'succeeded');
  const wanted = valueAt(job, 'spec', 'completions');
  if (wanted !== undefined && wanted !== null) return `${done}/${wanted}`;
  const parallelism = numberAt(job, 'spec', 'parallelism');
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function duration(job: KubeObject, now: number): string {
  const start = valueAt(job, 'status', 'startTime');
  if (typeof start !== 'string') return '';
  const end = valueAt(job, 'status', 'completionTime');
  return humanDuration((typeof end === 'string' ? Date.parse(end) : now) - Date.parse(start));
}
