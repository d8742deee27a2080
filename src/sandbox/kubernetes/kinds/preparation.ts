import { isRecord } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type Fields, items, struct } from '../defaults/fields.ts';

interface Preparation {
  create(object: KubeObject): void;
  update(object: KubeObject, old: KubeObject): void;
}

const nothing = () => {};

/** What a kind's strategy changes right before it is stored, beyond what all kinds have in common. */
export function preparationOf(apiVersion: string, kind: string): Preparation {
  return { create: nothing, update: nothing, ...preparations[`${apiVersion}/${kind}`] };
}

const preparations: Readonly<Record<string, Partial<Preparation>>> = {
  'v1/Namespace': {
    create: (namespace) => {
      namespace['spec'] = { finalizers: ['kubernetes'] };
      namespace['status'] = { phase: 'Active' };
    },
    update: (namespace, old) => {
      namespace['spec'] = old['spec'];
    },
  },
  'v1/Pod': {
    create: (pod) => {
      pod['status'] = { phase: 'Pending', qosClass: qualityOfService(pod) };
    },
  },
  'v1/PersistentVolumeClaim': {
    create: (claim) => {
      claim['status'] = { phase: 'Pending' };
    },
  },
  'v1/PersistentVolume': {
    create: (volume) => {
      volume['status'] = { phase: 'Pending' };
    },
  },
  'batch/v1/Job': { create: labelJob },
  'apiextensions.k8s.io/v1/CustomResourceDefinition': {
    create: (definition) => {
      const versions = items(definition['spec'], 'versions');
      definition['status'] = {
        conditions: null,
        acceptedNames: { plural: '', kind: '' },
        storedVersions: versions.filter((version) => version['storage'] === true).map((version) => version['name']),
      };
    },
  },
};

/** A Job selects its pods by its own uid unless it says otherwise. */
function labelJob(job: KubeObject): void {
  const spec = struct(job, 'spec');
  const template = struct(spec, 'template');
  if (spec === undefined || template === undefined || spec['manualSelector'] === true || spec['selector']) return;
  const { uid = '', name } = job.metadata;
  const metadata = struct(template, 'metadata') ?? {};
  template['metadata'] = metadata;
  metadata['labels'] = {
    ...struct(metadata, 'labels'),
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  spec['selector'] = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
}

/** Guaranteed, Burstable or BestEffort, by the requests and limits of the containers. */
function qualityOfService(pod: KubeObject): string {
  const containers = [...items(pod['spec'], 'containers'), ...items(pod['spec'], 'initContainers')];
  const amounts = (container: Fields, which: string) => struct(container, 'resources', which) ?? {};
  const counted = ['cpu', 'memory'];
  const any = containers.some((one) =>
    counted.some((name) => amounts(one, 'requests')[name] ?? amounts(one, 'limits')[name]),
  );
  if (!any) return 'BestEffort';
  const guaranteed = containers.every((one) =>
    counted.every((name) => {
      const limit = amounts(one, 'limits')[name];
      const request = amounts(one, 'requests')[name] ?? limit;
      return limit !== undefined && limit === request;
    }),
  );
  return guaranteed && isRecord(pod['spec']) ? 'Guaranteed' : 'Burstable';
}
