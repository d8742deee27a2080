import { withDeadline } from '../../base/deadline.ts';
import { isMillraceError, MillraceError } from '../../base/error.ts';
import type { Hop } from '../../diagnose/delivery/hops.ts';
import { DeliveryTracker } from '../../diagnose/delivery/tracker.ts';
import { type Git, mustRun } from '../../git/program.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { ControllersProcess } from './controllers.ts';
import { demoNames } from './demo-names.ts';
import { fleetNames } from './fleet.ts';
import type { ImageStore } from './images.ts';
import { watchDelivery } from './watch-delivery.ts';

const { namespace, fleet, repository, firstTag, nextTag } = demoNames;

/** What a delivery in the sandbox is pushed to, watched by and described with. */
export interface DeliveryParts {
  sandbox: Sandbox;
  kube: KubeClient;
  git: Git;
  images: ImageStore;
  controllers: ControllersProcess;
  timeoutMs: number;
}

/** Delivers a newer image than the one that runs, or what was under way, telling a line for every step. */
export async function deliverNext(
  parts: DeliveryParts,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<{ tag: string; hops: Hop[] }> {
  const newest = (await parts.images.tags(signal))
    .filter((tag) => /^\d+\.\d+\.\d+$/.test(tag))
    .sort(byVersion)
    .at(-1);
  if (newest === undefined || newest === firstTag) {
    const startedMs = Date.now();
    await follow(parts, firstTag, signal, () => {});
    onLine(`running      ${repository}:${firstTag} (${seconds(Date.now() - startedMs)})`);
    onLine('');
    onLine(`delivering   ${repository}:${nextTag}`);
    const pushedMs = Date.now();
    const hops = await pushAndFollow(parts, nextTag, signal, (hop) => onLine(formatHop(hop, pushedMs)));
    return { tag: nextTag, hops };
  }
  onLine(`resuming     ${repository}:${newest}`);
  const startedMs = Date.now();
  return { tag: newest, hops: await follow(parts, newest, signal, (hop) => onLine(formatHop(hop, startedMs))) };
}

/** Pushes a tag and follows it until it runs. */
export async function pushAndFollow(
  parts: DeliveryParts,
  tag: string,
  signal: AbortSignal,
  onHop: (hop: Hop) => void,
): Promise<Hop[]> {
  const tracker = demoTracker(tag);
  const pushedMs = Date.now();
  const digest = await parts.images.push(tag, signal);
  tracker.pushed(pushedMs, `${repository}:${tag} ${digest.slice(0, 19)}`);
  return follow(parts, tag, signal, onHop, tracker);
}

function byVersion(a: string, b: string): number {
  const [x, y] = [a.split('.').map(Number), b.split('.').map(Number)];
  return (x[0] ?? 0) - (y[0] ?? 0) || (x[1] ?? 0) - (y[1] ?? 0) || (x[2] ?? 0) - (y[2] ?? 0);
}

/** A tracker of the objects of the sandbox's own fleet. */
export function demoTracker(tag: string): DeliveryTracker {
  const key = (name: string, inNamespace: string = namespace) => ({ namespace: inNamespace, name });
  return new DeliveryTracker({
    tag,
    imageRepository: key(fleetNames.app),
    imagePolicy: key(fleetNames.app),
    imageUpdateAutomation: key(fleetNames.automation),
    gitRepository: key(namespace),
    kustomization: key(fleetNames.appsKustomization),
    deployment: key(fleetNames.app, fleetNames.appNamespace),
  });
}

/** Follows a tag until it runs; throws DELIVERY_STOPPED with the hop that was not done, and why. */
async function follow(
  { kube, git, sandbox, controllers, timeoutMs }: DeliveryParts,
  tag: string,
  signal: AbortSignal,
  onHop: (hop: Hop) => void,
  tracker: DeliveryTracker = demoTracker(tag),
): Promise<Hop[]> {
  const describe = async (hop: Hop) => {
    if (hop.name === 'committed' && tracker.commit !== undefined) {
      hop.detail = `${tracker.commit.slice(0, 7)} ${await oneLineDiff(git, sandbox.git.repositoryPath(fleet) ?? '', tracker.commit, signal)}`;
    }
    onHop(hop);
  };
  try {
    await withDeadline(signal, timeoutMs, `delivery of ${tag}`, async (inner) => {
      await Promise.race([
        watchDelivery({ client: kube, tracker, onHop: describe, signal: inner }),
        controllers.failed,
      ]);
    });
  } catch (cause) {
    if (!isMillraceError(cause, 'DEADLINE_EXCEEDED')) throw cause;
    const { hop, why } = tracker.waiting ?? { hop: 'running', why: '' };
    throw new MillraceError(
      'DELIVERY_STOPPED',
      `${repository}:${tag} was not ${hop} within ${seconds(timeoutMs)}: ${why}`,
      {
        cause,
        hint: 'The logs of the controllers are in the data folder, *.log.',
        retry: 'never',
      },
    );
  }
  return tracker.hops;
}

/** The changed line of a commit: `- old + new`. */
async function oneLineDiff(git: Git, gitDir: string, commit: string, signal: AbortSignal): Promise<string> {
  const output = await mustRun(git, ['show', '--format=', '--unified=0', '--no-color', commit], { gitDir, signal });
  const lines = output.toString('utf8').split('\n');
  const [removed, added] = ['-', '+'].map((mark) =>
    lines.find((line) => line.startsWith(mark) && !line.startsWith(mark.repeat(3))),
  );
  const tidy = (line: string | undefined) => line?.replace(/^[-+]\s*/, '').replace(/\s*#.*$/, '') ?? '';
  return `${tidy(removed)} → ${tidy(added)}`;
}

/** One hop as a line of progress. */
export function formatHop({ name, atMs, detail }: Hop, sinceMs: number): string {
  return `  ${name.padEnd(10)} +${seconds(Math.max(0, atMs - sinceMs))}  ${detail}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
