import { deepEqual, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { parseSchedule } from '../controllers/cron-schedule.ts';
import { type Fields, items, struct } from '../defaults/fields.ts';
import { type FieldError, forbiddenField, invalidValue, required, unsupported } from '../errors/field-error.ts';
import { matchesLabelSelector } from '../verbs/selectors.ts';
import { labelFaults } from './metadata.ts';
import { notNegative, oneOf, podSpecFaults } from './pod-spec.ts';
import type { KindRules } from './rules.ts';

const immutable = 'field is immutable';

function immutableField(object: KubeObject, old: KubeObject, ...path: string[]): FieldError[] {
  const [now, before] = [valueAt(object, ...path), valueAt(old, ...path)];
  return deepEqual(now ?? null, before ?? null) ? [] : [invalidValue(path.join('.'), now, immutable)];
}

function selectorFaults(spec: Fields | undefined): FieldError[] {
  const selector = struct(spec, 'selector');
  const labels = struct(spec, 'template', 'metadata', 'labels') as Record<string, string> | undefined;
  const faults: FieldError[] = [];
  if (selector === undefined) faults.push(required('spec.selector'));
  else {
    faults.push(...labelSelectorFaults(selector, 'spec.selector'));
    const empty =
      items(selector, 'matchExpressions').length === 0 &&
      Object.keys(struct(selector, 'matchLabels') ?? {}).length === 0;
    if (empty) faults.push(invalidValue('spec.selector', selector, 'empty selector is invalid for deployment'));
  }
  if (!matchesLabelSelector(selector, labels)) {
    faults.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  return faults;
}

/** Checks a `metav1.LabelSelector`. */
export function labelSelectorFaults(selector: Fields | undefined, path: string): FieldError[] {
  const faults = labelFaults(selector?.['matchLabels'], `${path}.matchLabels`);
  items(selector, 'matchExpressions').forEach(({ operator, values }, index) => {
    const at = `${path}.matchExpressions[${index}]`;
    const count = Array.isArray(values) ? values.length : 0;
    if (operator === 'In' || operator === 'NotIn') {
      if (count === 0) faults.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (count > 0)
        faults.push(
          forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
    } else faults.push(invalidValue(`${at}.operator`, operator, 'not a valid selector operator'));
  });
  return faults;
}

/** A template of pods that are restarted for ever. */
function templateFaults(object: KubeObject): FieldError[] {
  const spec = struct(object, 'spec', 'template', 'spec');
  const faults = labelFaults(valueAt(object, 'spec', 'template', 'metadata', 'labels'), 'spec.template.labels');
  faults.push(...podSpecFaults(spec, 'spec.template.spec'));
  const policy = spec?.['restartPolicy'];
  if (policy !== undefined && policy !== 'Always') {
    faults.push(unsupported('spec.template.spec.restartPolicy', policy, ['Always']));
  }
  return faults;
}

function counts(object: KubeObject, ...fields: string[]): FieldError[] {
  const faults: FieldError[] = [];
  for (const field of fields) notNegative(faults, `spec.${field}`, valueAt(object, 'spec', field));
  return faults;
}

function deploymentFaults(object: KubeObject): FieldError[] {
  const spec = struct(object, 'spec');
  const faults = [...counts(object, 'replicas'), ...selectorFaults(spec), ...templateFaults(object)];
  const strategy = struct(spec, 'strategy');
  oneOf(faults, 'spec.strategy.type', strategy?.['type'], ['Recreate', 'RollingUpdate']);
  if (strategy?.['type'] === 'Recreate' && strategy['rollingUpdate'] !== undefined) {
    faults.push(
      forbiddenField('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"),
    );
  }
  const rolling = struct(strategy, 'rollingUpdate');
  const isNone = (value: unknown) => value === 0 || value === '0%';
  if (rolling !== undefined && isNone(rolling['maxSurge']) && isNone(rolling['maxUnavailable'])) {
    faults.push(
      invalidValue(
        'spec.strategy.rollingUpdate.maxUnavailable',
        rolling['maxUnavailable'],
        'may not be 0 when `maxSurge` is 0',
      ),
    );
  }
  faults.push(...counts(object, 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'));
  const deadline = Number(spec?.['progressDeadlineSeconds'] ?? 600);
  if (deadline <= Number(spec?.['minReadySeconds'] ?? 0)) {
    faults.push(invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return faults;
}

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

function statefulSetUpdateFaults(object: KubeObject, old: KubeObject): FieldError[] {
  const fixed = (one: KubeObject) => {
    const spec = { ...struct(one, 'spec') };
    for (const field of changeable) delete spec[field];
    return spec;
  };
  if (deepEqual(fixed(object), fixed(old))) return [];
  const names = changeable.map((name) => `'${name}'`);
  const list = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return [forbiddenField('spec', `updates to statefulset spec for fields other than ${list} are forbidden`)];
}

function jobFaults(object: KubeObject): FieldError[] {
  const spec = struct(object, 'spec', 'template', 'spec');
  const faults = counts(
    object,
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
  );
  faults.push(...podSpecFaults(spec, 'spec.template.spec'));
  const policy = spec?.['restartPolicy'];
  if (policy === 'Always') {
    faults.push(required('spec.template.spec.restartPolicy', 'valid values: "OnFailure", "Never"'));
  }
  return faults;
}

function jobUpdateFaults(object: KubeObject, old: KubeObject): FieldError[] {
  const indexed = valueAt(object, 'spec', 'completionMode') === 'Indexed';
  return [
    ...(indexed ? [] : immutableField(object, old, 'spec', 'completions')),
    ...immutableField(object, old, 'spec', 'selector'),
    ...(valueAt(old, 'spec', 'suspend') === true ? [] : immutableField(object, old, 'spec', 'template')),
    ...immutableField(object, old, 'spec', 'completionMode'),
  ];
}

function cronJobFaults(object: KubeObject): FieldError[] {
  const faults: FieldError[] = [];
  const spec = struct(object, 'spec');
  const schedule = spec?.['schedule'];
  if (!schedule) faults.push(required('spec.schedule'));
  else if (parseSchedule(String(schedule)) === undefined) {
    const found = String(schedule).trim().split(/\s+/).length;
    const why =
      found === 5
        ? 'failed to parse int from schedule'
        : `expected exactly 5 fields, found ${found}: [${String(schedule).trim().split(/\s+/).join(' ')}]`;
    faults.push(invalidValue('spec.schedule', schedule, why));
  }
  oneOf(faults, 'spec.concurrencyPolicy', spec?.['concurrencyPolicy'], ['Allow', 'Forbid', 'Replace']);
  faults.push(...counts(object, 'startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'));
  const pod = struct(spec, 'jobTemplate', 'spec', 'template', 'spec');
  const path = 'spec.jobTemplate.spec.template.spec';
  faults.push(...podSpecFaults(pod, path));
  if (pod?.['restartPolicy'] === 'Always')
    faults.push(required(`${path}.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  if (object.metadata.name.length > 52) {
    faults.push(invalidValue('metadata.name', object.metadata.name, 'must be no more than 52 characters'));
  }
  return faults;
}

/** What of a running pod may change: images, deadlines, and added tolerations. */
function podUpdateFaults(object: KubeObject, old: KubeObject): FieldError[] {
  const fixed = (one: KubeObject, placed: unknown) => {
    const {
      activeDeadlineSeconds: _,
      tolerations: __,
      terminationGracePeriodSeconds: ___,
      ephemeralContainers: ____,
      ...spec
    } = struct(one, 'spec') ?? {};
    const withoutImages = (list: string) =>
      items(spec, list).map(({ image: _image, resources: _resources, ...container }) => container);
    return {
      ...spec,
      nodeName: placed,
      containers: withoutImages('containers'),
      initContainers: withoutImages('initContainers'),
    };
  };
  const before = valueAt(old, 'spec', 'nodeName');
  // Placing a pod that has no node yet is a binding.
  const placed = before ?? undefined;
  const now = before === undefined ? undefined : valueAt(object, 'spec', 'nodeName');
  if (deepEqual(fixed(object, now), fixed(old, placed))) return [];
  const allowed =
    '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
  return [forbiddenField('spec', `pod updates may not change fields other than ${allowed}`)];
}

export const workloadRules: Readonly<Record<string, KindRules>> = {
  'v1/Pod': { create: (pod) => podSpecFaults(struct(pod, 'spec'), 'spec'), update: podUpdateFaults },
  'v1/ReplicationController': {
    create: (object) => [...counts(object, 'replicas', 'minReadySeconds'), ...templateFaults(object)],
  },
  'apps/v1/Deployment': {
    create: deploymentFaults,
    update: (object, old) => immutableField(object, old, 'spec', 'selector'),
  },
  'apps/v1/ReplicaSet': {
    create: (object) => [
      ...counts(object, 'replicas', 'minReadySeconds'),
      ...selectorFaults(struct(object, 'spec')),
      ...templateFaults(object),
    ],
    update: (object, old) => immutableField(object, old, 'spec', 'selector'),
  },
  'apps/v1/StatefulSet': {
    create: (object) => [
      ...counts(object, 'replicas', 'minReadySeconds'),
      ...selectorFaults(struct(object, 'spec')),
      ...templateFaults(object),
    ],
    update: statefulSetUpdateFaults,
  },
  'apps/v1/DaemonSet': {
    create: (object) => [...selectorFaults(struct(object, 'spec')), ...templateFaults(object)],
    update: (object, old) => immutableField(object, old, 'spec', 'selector'),
  },
  'batch/v1/Job': { create: jobFaults, update: jobUpdateFaults },
  'batch/v1/CronJob': { create: cronJobFaults },
};
