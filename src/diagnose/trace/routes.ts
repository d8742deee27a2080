import { listAt, textAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { formatRepository, parseReference, type Repository } from '../../oci/reference.ts';
import { fluxKinds } from '../collect/flux-kinds.ts';
import type { ClusterReader } from '../collect/reader.ts';
import { isMadeBy, refersTo } from '../collect/references.ts';

/** The objects that carry one image to its pods; what does not exist is left out. */
export interface Route {
  imageRepository?: KubeObject;
  policy?: KubeObject;
  automation?: KubeObject;
  source?: KubeObject;
  kustomizations: KubeObject[];
  workloads: KubeObject[];
}

/** What a trace reads of the cluster, once. */
export interface TracedCluster {
  objects: Readonly<Record<string, readonly KubeObject[]>>;
  workloads: readonly KubeObject[];
  pods: readonly KubeObject[];
  events: readonly KubeObject[];
}

const workloadKinds = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { apiVersion: 'batch/v1', kind: 'CronJob' },
];

export async function readTraced(reader: ClusterReader): Promise<TracedCluster> {
  const objects: Record<string, KubeObject[]> = {};
  for (const kind of fluxKinds) objects[kind.kind] = await reader.listServed(kind);
  return {
    objects,
    workloads: (await Promise.all(workloadKinds.map((kind) => reader.list(kind)))).flat(),
    pods: await reader.list({ apiVersion: 'v1', kind: 'Pod' }),
    events: await reader.list({ apiVersion: 'v1', kind: 'Event' }),
  };
}

/** Every way that an image takes: one for each policy that looks at it, or one without a policy. */
export function routesOf(image: Repository, cluster: TracedCluster): Route[] {
  const { objects } = cluster;
  const name = formatRepository(image);
  const using = cluster.workloads.filter((workload) =>
    imagesOf(workload).some(({ repository }) => repository === name),
  );
  const scanners = (objects['ImageRepository'] ?? []).filter(
    (one) => repositoryOf(textAt(one, 'spec', 'image')) === name,
  );
  const routes = scanners.flatMap((imageRepository): Route[] => {
    const policies = (objects['ImagePolicy'] ?? []).filter((policy) =>
      refersTo(policy, ['spec', 'imageRepositoryRef'], imageRepository),
    );
    if (policies.length === 0) return [{ imageRepository, ...withoutAutomation(using, objects) }];
    return policies.flatMap((policy) => routesOfPolicy(imageRepository, policy, using, objects));
  });
  return routes.length > 0 ? routes : [withoutAutomation(using, objects)];
}

function routesOfPolicy(
  imageRepository: KubeObject,
  policy: KubeObject,
  using: readonly KubeObject[],
  objects: TracedCluster['objects'],
): Route[] {
  const automations = (objects['ImageUpdateAutomation'] ?? []).filter(
    ({ metadata }) => metadata.namespace === policy.metadata.namespace,
  );
  if (automations.length === 0) return [{ imageRepository, policy, ...withoutAutomation(using, objects) }];
  return automations.map((automation) => {
    const source = (objects['GitRepository'] ?? []).find((one) => refersTo(automation, ['spec', 'sourceRef'], one));
    const fed = (objects['Kustomization'] ?? []).filter(
      (build) => source !== undefined && refersTo(build, ['spec', 'sourceRef'], source),
    );
    const workloads = using.filter((workload) => fed.some((build) => isMadeBy(workload, build)));
    const builders = fed.filter((build) => workloads.some((workload) => isMadeBy(workload, build)));
    return {
      imageRepository,
      policy,
      automation,
      ...(source !== undefined && { source }),
      kustomizations: builders.length > 0 ? builders : fed,
      workloads,
    };
  });
}

function withoutAutomation(workloads: readonly KubeObject[], objects: TracedCluster['objects']): Route {
  const kustomizations = (objects['Kustomization'] ?? []).filter((build) =>
    workloads.some((workload) => isMadeBy(workload, build)),
  );
  const [builder] = kustomizations;
  const source = (objects['GitRepository'] ?? []).find(
    (one) => builder !== undefined && refersTo(builder, ['spec', 'sourceRef'], one),
  );
  return { ...(source !== undefined && { source }), kustomizations, workloads: [...workloads] };
}

export interface WorkloadImage {
  repository: string;
  tag: string | undefined;
}

/** The images of a workload or a pod. */
export function imagesOf(object: KubeObject): WorkloadImage[] {
  const places = [['spec'], ['spec', 'template', 'spec'], ['spec', 'jobTemplate', 'spec', 'template', 'spec']];
  return places.flatMap((place) =>
    ['initContainers', 'containers'].flatMap((field) => {
      return listAt(object, ...place, field).flatMap((container) => parseImage(textAt(container, 'image')));
    }),
  );
}

function parseImage(image: string | undefined): WorkloadImage[] {
  if (image === undefined) return [];
  try {
    const { repository, reference } = parseReference(image.replace(/@sha256:[0-9a-f]+$/, ''));
    return [{ repository: formatRepository(repository), tag: reference }];
  } catch {
    // What is no image name is the kubelet's to complain of.
    return [];
  }
}

function repositoryOf(image: string | undefined): string | undefined {
  return parseImage(image)[0]?.repository;
}
