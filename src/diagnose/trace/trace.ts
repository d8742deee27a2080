import { textAt } from '../../base/json.ts';
import { formatRef } from '../../base/kube-object.ts';
import { formatRepository, type Repository } from '../../oci/reference.ts';
import type { ClusterReader, Gap } from '../collect/reader.ts';
import { appliedHops, runningHop } from './cluster-hops.ts';
import { committedHop, fetchedHop, findCommit } from './git-hops.ts';
import { settleHops, type TraceHop } from './hop.ts';
import { chosenHop, isChosen, pushedHop, scannedHop } from './image-hops.ts';
import { type Route, routesOf, type TracedCluster } from './routes.ts';
import type { TraceTools } from './tools.ts';

/** One way of an image to its pods, hop by hop. */
export interface TracedRoute {
  /** `ImagePolicy/namespace/name`; absent where no policy looks at the image. */
  policy?: string;
  hops: TraceHop[];
  /** The first hop that is not done. */
  at?: TraceHop;
}

export interface Trace {
  image: string;
  tag: string;
  routes: TracedRoute[];
  /** What of the cluster could not be read. */
  gaps: Gap[];
}

/** Follows a tag of an image along every route of the cluster, from what objects, git and the registry still show of it. */
export async function traceImage(
  image: Repository,
  tag: string,
  cluster: TracedCluster,
  { reader, tools }: { reader: ClusterReader; tools: TraceTools },
): Promise<Trace> {
  const pushed = await pushedHop(image, tag, tools);
  const routes: TracedRoute[] = [];
  for (const route of routesOf(image, cluster)) {
    const hops = settleHops([pushed, ...(await hopsOf(route, image, tag, cluster, tools))]);
    const at = hops.find(({ state }) => state !== 'done');
    const { policy } = route;
    routes.push({
      ...(policy !== undefined && { policy: formatRef(policy) }),
      hops,
      ...(at !== undefined && { at }),
    });
  }
  return { image: formatRepository(image), tag, routes, gaps: reader.gaps };
}

async function hopsOf(
  route: Route,
  image: Repository,
  tag: string,
  cluster: TracedCluster,
  tools: TraceTools,
): Promise<TraceHop[]> {
  const found = await findCommit(route, image, tag, tools);
  const isCommitted = 'commit' in found && found.commit !== undefined;
  const committedAt = 'commit' in found ? found.commit?.at : undefined;
  const latest = textAt(route.policy, 'status', 'latestRef', 'tag');
  const wasReplaced = isCommitted && !isChosen(route.policy, tag) && latest !== undefined;
  return [
    scannedHop(route, tag),
    chosenHop(route, tag, cluster),
    committedHop(route, tag, found),
    await fetchedHop(route, found, tools),
    ...appliedHops(route, image, tag, { newer: wasReplaced, committedAt }),
    runningHop(route, image, tag, cluster),
  ].map((hop) =>
    wasReplaced && hop.name === 'running' && hop.state === 'waiting' ? { ...hop, state: 'superseded' } : hop,
  );
}
