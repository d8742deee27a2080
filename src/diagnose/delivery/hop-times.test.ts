import { beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../base/kube-object.ts';
import { HopTimes } from './hop-times.ts';

const commit = 'a'.repeat(40);
let seen: [hop: string, ms: number][];
let times: HopTimes;
beforeEach(() => {
  seen = [];
  times = new HopTimes((hop, ms) => seen.push([hop, ms]));
});

function object(kind: string, spec: object, status: object, generation = 1): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name: 'app', namespace: 'flux-system', generation }, spec, status };
}

const repository = (scanTime: string) =>
  object('ImageRepository', { image: 'r.io/app' }, { lastScanResult: { scanTime } });
const policy = (tag: string, generation = 1) =>
  object(
    'ImagePolicy',
    { imageRepositoryRef: { name: 'app' } },
    { latestRef: { tag }, observedGeneration: generation },
    generation,
  );
const automation = (lastPushCommit: string, tag: string) =>
  object('ImageUpdateAutomation', {}, { lastPushCommit, observedPolicies: { app: { tag } } });
const source = (sha: string) => object('GitRepository', {}, { artifact: { revision: `main@sha1:${sha}` } });
const kustomization = (sha: string) =>
  object(
    'Kustomization',
    { sourceRef: { kind: 'GitRepository', name: 'app' } },
    { lastAppliedRevision: `main@sha1:${sha}` },
  );
const deployment = (image: string, generation: number, observedGeneration: number) =>
  object(
    'Deployment',
    { replicas: 1, template: { spec: { containers: [{ image }] } } },
    { observedGeneration, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    generation,
  );
const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
const epoch = Date.parse(at(0));

const delivery: [before: KubeObject, after: KubeObject, ms: number][] = [
  [repository(at(0)), repository(at(2)), 2000],
  [policy('1.0.0'), policy('1.0.1'), 2100],
  [automation('b', '1.0.0'), automation(commit, '1.0.1'), 2600],
  [source('b'), source(commit), 2900],
  [kustomization('b'), kustomization(commit), 3500],
  [deployment('r.io/app:1.0.0', 1, 1), deployment('r.io/app:1.0.1', 2, 1), 3550],
  [deployment('r.io/app:1.0.1', 2, 1), deployment('r.io/app:1.0.1', 2, 2), 5550],
];

test('each hop of a delivery is timed from the one before', () => {
  times.pushed('r.io/app', '1.0.1', epoch + 1500);
  for (const [before, after, ms] of delivery) times.observe({ before, after }, epoch + ms);
  expect(seen).toEqual([
    ['scanned', 500],
    ['chosen', 100],
    ['committed', 500],
    ['fetched', 300],
    ['applied', 600],
    ['running', 2000],
  ]);
});

test('what was there at the start, or is told twice, counts for nothing', () => {
  for (const [, after, ms] of delivery) times.observe({ before: undefined, after }, epoch + ms);
  for (const [, after, ms] of delivery) times.observe({ before: after, after }, epoch + ms);
  expect(seen).toEqual([]);
});

test('a process that watches two kinds times the hop between them', () => {
  const [, , , fetched, applied] = delivery;
  for (const [before, after, ms] of [fetched, applied] as typeof delivery) times.observe({ before, after }, epoch + ms);
  expect(seen).toEqual([['applied', 600]]);
});

test('a commit that was fetched before its author said so took no time', () => {
  const [, , committed, fetched] = delivery as [unknown, unknown, (typeof delivery)[number], (typeof delivery)[number]];
  times.observe({ before: fetched[0], after: fetched[1] }, 1000);
  times.observe({ before: committed[0], after: committed[1] }, 1050);
  expect(seen).toEqual([['fetched', 0]]);
});

test('a choice that an edit of the policy made was not waited for since the scan', () => {
  times.observe({ before: repository(at(0)), after: repository(at(2)) }, epoch);
  times.observe({ before: policy('1.0.0', 1), after: policy('2.0.0', 2) }, epoch + 60_000);
  expect(seen).toEqual([]);
});

test('a push after the scan waits for the next one, and one of another image for its own', () => {
  times.pushed('r.io/app', '1.0.2', epoch + 4000);
  times.pushed('r.io/other', '1.0.0', epoch);
  times.observe({ before: repository(at(0)), after: repository(at(2)) }, epoch + 4100);
  expect(seen).toEqual([]);
  times.observe({ before: repository(at(2)), after: repository(at(5)) }, epoch + 5000);
  expect(seen).toEqual([['scanned', 1000]]);
});

test('what is gone is forgotten', () => {
  const [rollout, done] = delivery.slice(-2) as [(typeof delivery)[number], (typeof delivery)[number]];
  times.observe({ before: rollout[0], after: rollout[1] }, 0);
  times.observe({ before: rollout[1], after: undefined }, 1);
  times.observe({ before: done[0], after: done[1] }, 2);
  expect(seen).toEqual([]);
});
