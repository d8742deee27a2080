import { MillraceError } from '../../base/error.ts';
import { listAt, textAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import { conditionOf } from '../../diagnose/condition.ts';
import { imagesOf, type TracedCluster } from '../../diagnose/trace/routes.ts';
import type { TraceTools } from '../../diagnose/trace/tools.ts';
import { parseImageName, type Repository } from '../../oci/reference.ts';

export interface TraceTarget {
  image: Repository;
  tag: string;
}

/** Image kinds lead to the image that they scan or have chosen. */
const imageKinds: Readonly<Record<string, string>> = {
  imagepolicy: 'ImagePolicy',
  imagepolicie: 'ImagePolicy',
  policy: 'ImagePolicy',
  imagerepository: 'ImageRepository',
  imagerepositorie: 'ImageRepository',
};

const kinds: Readonly<Record<string, string>> = {
  deployment: 'Deployment',
  deploy: 'Deployment',
  statefulset: 'StatefulSet',
  sts: 'StatefulSet',
  daemonset: 'DaemonSet',
  ds: 'DaemonSet',
  cronjob: 'CronJob',
  cj: 'CronJob',
  pod: 'Pod',
  po: 'Pod',
};

/**
 * What a user means: an image (with a tag, a digest, or the tag that its policy has chosen), a policy, a workload or pod with its
 * images, or a commit with the images that it brought. Without a namespace an object may be anywhere. Throws BAD_INPUT where
 * nothing, or several things, could be meant.
 */
export async function targetsOf(
  text: string,
  namespace: string | undefined,
  cluster: TracedCluster,
  tools: TraceTools,
): Promise<TraceTarget[]> {
  const [, kindName = '', name = ''] = /^([a-z]+)\/([a-z0-9][a-z0-9.-]*)$/i.exec(text) ?? [];
  const of = (table: Readonly<Record<string, string>>) =>
    table[kindName.toLowerCase()] ?? table[kindName.toLowerCase().replace(/s$/, '')];
  const kind = of(kinds);
  if (kind !== undefined) return imagesOfObject(kind, { name, namespace }, cluster);
  const imageKind = of(imageKinds);
  if (imageKind !== undefined)
    return [imageOf(findObject(imageKind, { name, namespace }, cluster.objects[imageKind] ?? []), cluster)];
  if (/^[0-9a-f]{7,64}$/.test(text)) {
    const brought = await imagesOfCommit(text, cluster, tools);
    if (brought.length > 0) return brought;
    if (!knownImages(cluster, 'all').some((image) => image === text || image.endsWith(`/${text}`)))
      throw badInput(`no commit ${text} that any GitRepository has brings an image that is scanned or runs`);
  }
  return [imageNamed(text, cluster)];
}

interface Named {
  name: string;
  namespace: string | undefined;
}

function findObject(kind: string, { name, namespace }: Named, objects: readonly KubeObject[]): KubeObject {
  const named = objects.filter(({ metadata }) => metadata.name === name);
  const meant = named.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  const [found, ...others] = meant;
  if (found !== undefined && others.length === 0) return found;
  if (found !== undefined)
    throw badInput(`${kind}/${name} could be ${meant.map(formatRef).join(', ')}`, 'Name its namespace with -n.');
  const where = namespace === undefined ? name : `${namespace}/${name}`;
  const hint =
    named.length > 0 ? `There is ${named.map(formatRef).join(', ')}; name its namespace with -n.` : undefined;
  throw badInput(`${kind} ${where} does not exist`, hint);
}

/** The image of an ImagePolicy or ImageRepository, with the tag that is chosen. */
function imageOf(object: KubeObject, cluster: TracedCluster): TraceTarget {
  const [name, tag] = [textAt(object, 'status', 'latestRef', 'name'), textAt(object, 'status', 'latestRef', 'tag')];
  if (name !== undefined && tag !== undefined) return { image: parseImageName(name), tag };
  const scanned = textAt(object, 'spec', 'image');
  if (scanned !== undefined) return imageNamed(scanned, cluster);
  throw badInput(
    `${formatRef(object)} has chosen no tag: ${conditionOf(object, 'Ready')?.message ?? 'nobody has looked at it'}`,
    'millrace doctor names the cause; IMAGE:TAG follows a tag that should be on its way.',
  );
}

function imagesOfObject(kind: string, named: Named, cluster: TracedCluster): TraceTarget[] {
  const objects = kind === 'Pod' ? cluster.pods : cluster.workloads.filter((workload) => workload.kind === kind);
  const found = findObject(kind, named, objects);
  const scanned = new Set(knownImages(cluster, 'scanned'));
  const images = imagesOf(found).flatMap(({ repository, tag }) => (tag === undefined ? [] : [{ repository, tag }]));
  const traced = images.some(({ repository }) => scanned.has(repository))
    ? images.filter(({ repository }) => scanned.has(repository))
    : images;
  return traced.map(({ repository, tag }) => ({ image: parseImageName(repository), tag }));
}

/** Images with tags in the lines that a commit added, in any source that has the commit. */
async function imagesOfCommit(commit: string, cluster: TracedCluster, tools: TraceTools): Promise<TraceTarget[]> {
  const known = knownImages(cluster, 'all');
  const found = new Map<string, TraceTarget>();
  for (const source of cluster.objects['GitRepository'] ?? []) {
    const lines = await tools.addedLines(source, commit).catch(() => []);
    for (const line of lines) {
      for (const name of known) {
        const start = line.indexOf(`${name}:`);
        const tag = start < 0 ? undefined : /^[\w][\w.-]*/.exec(line.slice(start + name.length + 1))?.[0];
        if (tag !== undefined) found.set(`${name}:${tag}`, { image: parseImageName(name), tag });
      }
    }
  }
  return [...found.values()];
}

function imageNamed(text: string, cluster: TracedCluster): TraceTarget {
  const [, name = text, tag] = /^(.+?)(?::([\w][\w.-]*))?$/.exec(text.replace(/@sha256:[0-9a-f]+$/, '')) ?? [];
  const known = knownImages(cluster, 'all');
  const meant = known.filter((image) => image === name || image.endsWith(`/${name}`));
  const [image] = meant;
  if (image === undefined)
    throw badInput(
      `no ImageRepository scans '${name}', and no workload uses it`,
      known.length > 0
        ? `There are: ${known.join(', ')}; objects are named deployment/NAME, pod/NAME or imagepolicy/NAME.`
        : (failingSource(cluster) ?? 'Is this the right cluster?'),
    );
  if (meant.length > 1) throw badInput(`'${name}' could mean ${meant.join(', ')}`, 'Write more of the name.');
  const found = tag ?? tagOfDigest(text, image, cluster) ?? chosenTag(image, cluster);
  if (found === undefined) throw badInput(`no policy has chosen a tag of ${image}`, 'Name the tag: IMAGE:TAG.');
  return { image: parseImageName(image), tag: found };
}

/** Where nothing has come into the cluster yet, what should bring it says why. */
function failingSource({ objects }: TracedCluster): string | undefined {
  const bringing = [
    ...(objects['GitRepository'] ?? []),
    ...(objects['OCIRepository'] ?? []),
    ...(objects['Kustomization'] ?? []),
  ];
  const failing = bringing.find((one) => conditionOf(one, 'Ready')?.status === 'False');
  if (failing === undefined) return undefined;
  return `${formatRef(failing)} is not ready: ${conditionOf(failing, 'Ready')?.message} (millrace doctor names the cause).`;
}

/** Pods know by which digest they run a tag. */
function tagOfDigest(text: string, image: string, cluster: TracedCluster): string | undefined {
  const digest = /@(sha256:[0-9a-f]+)$/.exec(text)?.[1];
  if (digest === undefined) return undefined;
  for (const pod of cluster.pods) {
    for (const status of listAt(pod, 'status', 'containerStatuses')) {
      if (textAt(status, 'imageID')?.endsWith(digest) !== true) continue;
      const tag = imagesOf(pod).find(({ repository }) => repository === image)?.tag;
      if (tag !== undefined) return tag;
    }
  }
  throw badInput(`no pod runs ${image} by the digest ${digest}`, 'Name the tag: IMAGE:TAG.');
}

function chosenTag(image: string, { objects, workloads }: TracedCluster): string | undefined {
  const chosen = (objects['ImagePolicy'] ?? []).find(
    (policy) => textAt(policy, 'status', 'latestRef', 'name') === image,
  );
  const running = workloads.flatMap(imagesOf).find(({ repository }) => repository === image)?.tag;
  return (chosen && textAt(chosen, 'status', 'latestRef', 'tag')) ?? running;
}

function knownImages({ objects, workloads }: TracedCluster, which: 'scanned' | 'all'): string[] {
  const scanned = (objects['ImageRepository'] ?? []).flatMap((one: KubeObject) => {
    const image = textAt(one, 'spec', 'image');
    return image === undefined ? [] : imagesOf({ ...one, spec: { containers: [{ image }] } });
  });
  const all = which === 'all' ? [...scanned, ...workloads.flatMap(imagesOf)] : scanned;
  return [...new Set(all.map(({ repository }) => repository))];
}

function badInput(message: string, hint?: string): MillraceError {
  return new MillraceError('BAD_INPUT', message, { retry: 'never', ...(hint !== undefined && { hint }) });
}
