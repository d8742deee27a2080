import { MillraceError } from '../../base/error.ts';
import { listAt, textAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import { imagesOf, type TracedCluster } from '../../diagnose/trace/routes.ts';
import type { TraceTools } from '../../diagnose/trace/tools.ts';
import { parseImageName, type Repository } from '../../oci/reference.ts';

export interface TraceTarget {
  image: Repository;
  tag: string;
}

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
 * What a user means: an image (with a tag, a digest, or the tag that its policy has chosen), a workload or pod with its images,
 * or a commit with the images that it brought. Throws BAD_INPUT where nothing, or several things, could be meant.
 */
export async function targetsOf(
  text: string,
  namespace: string,
  cluster: TracedCluster,
  tools: TraceTools,
): Promise<TraceTarget[]> {
  const [, kindName = '', name = ''] = /^([a-z]+)\/([a-z0-9][a-z0-9.-]*)$/i.exec(text) ?? [];
  const kind = kinds[kindName.toLowerCase()] ?? kinds[kindName.toLowerCase().replace(/s$/, '')];
  if (kind !== undefined) return imagesOfObject(kind, name, namespace, cluster);
  if (/^[0-9a-f]{7,64}$/.test(text)) {
    const brought = await imagesOfCommit(text, cluster, tools);
    if (brought.length > 0) return brought;
  }
  return [imageNamed(text, cluster)];
}

function imagesOfObject(kind: string, name: string, namespace: string, cluster: TracedCluster): TraceTarget[] {
  const objects = kind === 'Pod' ? cluster.pods : cluster.workloads.filter((workload) => workload.kind === kind);
  const found = objects.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  if (found === undefined) {
    const elsewhere = objects.filter(({ metadata }) => metadata.name === name).map(formatRef);
    const hint = elsewhere.length > 0 ? `There is ${elsewhere.join(', ')}; name its namespace with -n.` : undefined;
    throw badInput(`${kind} ${namespace}/${name} does not exist`, hint);
  }
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
      known.length > 0 ? `There are: ${known.join(', ')}.` : 'Is this the right cluster?',
    );
  if (meant.length > 1) throw badInput(`'${name}' could mean ${meant.join(', ')}`, 'Write more of the name.');
  const found = tag ?? tagOfDigest(text, image, cluster) ?? chosenTag(image, cluster);
  if (found === undefined) throw badInput(`no policy has chosen a tag of ${image}`, 'Name the tag: IMAGE:TAG.');
  return { image: parseImageName(image), tag: found };
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
