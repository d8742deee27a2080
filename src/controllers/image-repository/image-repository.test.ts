import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { type ImageStage, startImageStage } from '../../../test/support/image-stage.ts';
import { silentLogger } from '../../base/logger.ts';
import { createPushWaker } from './wake-by-push.ts';

let stage: ImageStage;
beforeAll(async () => {
  stage = await startImageStage();
});
afterAll(() => stage?.close());
beforeEach(() => stage.reset());

const requested = (value: string) =>
  stage.cluster.annotate('ImageRepository', 'mainapp', { 'reconcile.fluxcd.io/requestedAt': value });
const scan = () => stage.reconcile('ImageRepository');
const lastScan = () => stage.status('ImageRepository')['lastScanResult'] as Record<string, unknown>;
const progressMessages = () =>
  stage.cluster.patches.flatMap(({ conditions }) =>
    ((conditions ?? []) as { type: string; message: string }[])
      .filter(({ type }) => type === 'Reconciling')
      .map(({ message }) => message),
  );

test('a scan keeps every tag but the excluded, and says what it found', async () => {
  stage.registry.tags = { mainapp: ['1.0.0', 'sha256-1.sig', '1.0.10', '1.0.9'] };
  expect(await scan()).toEqual({ requeueAfterMs: 60_000 });
  expect(lastScan()).toMatchObject({ tagCount: 3, latestTags: ['1.0.9', '1.0.10', '1.0.0'] });
  expect(stage.status('ImageRepository')).toMatchObject({
    canonicalImageName: stage.image,
    observedExclusionList: ['^.*\\.sig$'],
    observedGeneration: 1,
  });
  expect(progressMessages()).toContain('scanning: first scan');
  expect(stage.cluster.recorded).toEqual([
    expect.stringMatching(/^Normal Succeeded: successful scan: found 3 tags with checksum sha256:/),
  ]);
});

test('a second look within the interval scans nothing; a request, a new image and a new exclusion list do', async () => {
  await scan();
  stage.registry.requests.length = 0;
  await scan();
  expect(stage.registry.requests).toEqual([]);
  expect(stage.cluster.recorded.at(-1)).toMatch(
    /^Trace Succeeded: no change in repository configuration since last scan, next scan in /,
  );
  await requested('1');
  await scan();
  expect(progressMessages().at(-1)).toBe('scanning: reconcile requested');
  expect(stage.status('ImageRepository')['lastHandledReconcileAt']).toBe('1');
  expect(stage.cluster.recorded.at(-1)).toMatch(/^Trace Succeeded: tags did not change, next scan in 1m0s/);
  await stage.cluster.edit('ImageRepository', 'mainapp', { exclusionList: ['^1\\.0\\.0$'] });
  await scan();
  expect(progressMessages().at(-1)).toBe('scanning: updated exclusion list');
  expect(lastScan()).toMatchObject({ tagCount: 1 });
  stage.registry.tags['other'] = ['2.0.0'];
  await stage.cluster.edit('ImageRepository', 'mainapp', { image: stage.image.replace('mainapp', 'other') });
  await scan();
  expect(progressMessages().at(-1)).toBe('scanning: new image name');
});

test.each([
  ['https://r.io/app', "image 'https://r.io/app' should not include URL scheme; remove 'https://'"],
  ['r.io/app:v1', "image 'r.io/app:v1' should not include a tag; remove ':v1'"],
])('%s stalls until it is changed', async (image, message) => {
  await stage.cluster.edit('ImageRepository', 'mainapp', { image });
  expect(await scan()).toEqual({});
  expect(stage.ready('ImageRepository')).toEqual({ status: 'False', reason: 'ImageURLInvalid', message });
  expect(stage.cluster.condition('ImageRepository', 'mainapp', 'Stalled')?.reason).toBe('ImageURLInvalid');
  expect(stage.status('ImageRepository')['observedGeneration']).toBe(2);
});

test('a missing secret heals without a change of the spec', async () => {
  stage.registry.credential = 'bob:pull';
  await stage.cluster.edit('ImageRepository', 'mainapp', { secretRef: { name: 'pull' } });
  expect(await scan()).toBeInstanceOf(Error);
  expect(stage.ready('ImageRepository')).toMatchObject({
    reason: 'AuthenticationFailed',
    message: expect.stringMatching(
      /^failed to configure authentication options: failed to get secret 'flux-system\/pull'/,
    ),
  });
  const auths = { [stage.registry.host]: { auth: Buffer.from('bob:pull').toString('base64') } };
  await stage.cluster.put(
    secretOf('pull', { '.dockerconfigjson': JSON.stringify({ auths }) }, 'kubernetes.io/dockerconfigjson'),
  );
  expect(await scan()).toEqual({ requeueAfterMs: 60_000 });
});

test('a listing that breaks off leaves tags and result as they were', async () => {
  stage.registry.tags = { mainapp: Array.from({ length: 1500 }, (_, index) => `1.0.${index}`) };
  await scan();
  const before = lastScan();
  stage.registry.intercept = (request, response) => {
    if (request.url?.includes('last=') !== true) return false;
    response.writeHead(401).end();
    return true;
  };
  await requested('1');
  expect(await scan()).toBeInstanceOf(Error);
  expect(stage.ready('ImageRepository')).toMatchObject({
    reason: 'ReadOperationFailed',
    message: expect.stringMatching(/^scan failed: /),
  });
  expect(lastScan()).toEqual(before);
  await stage.reconcile('ImagePolicy');
  expect(stage.status('ImagePolicy')['latestRef']).toMatchObject({ tag: '1.0.1499' });
});

test.each([
  ['empty', 20, [] as string[], 'the listing is empty, 20 tags were known'],
  ['sharply shrunken', 20, ['1.0.19', '1.0.18'], 'the listing shrank from 20 to 2 tags'],
  [
    'without the tag in use',
    3,
    ['1.0.0', '1.0.1'],
    "tag '1.0.2', which policy 'flux-system/mainapp' uses, is gone from the listing",
  ],
])('an %s listing moves no policy until it has repeated itself', async (_, known, listing, why) => {
  stage.registry.tags = { mainapp: Array.from({ length: known }, (__, index) => `1.0.${index}`) };
  await scan();
  await stage.reconcile('ImagePolicy');
  const chosen = stage.status('ImagePolicy')['latestRef'];
  stage.registry.tags = { mainapp: listing };
  for (const request of ['1', '2']) {
    await requested(request);
    expect(await scan()).toEqual({ requeueAfterMs: 60_000 });
    // A second look at the same moment, as a burst of pushes takes, counts for nothing; nor does it say that all is well.
    expect(await scan()).toEqual({ requeueAfterMs: expect.any(Number) });
    expect(stage.ready('ImageRepository')).toMatchObject({
      status: 'False',
      reason: 'SuspectScan',
      message: expect.stringContaining(why),
    });
    expect(stage.cluster.condition('ImageRepository', 'mainapp', 'ScanSuspect')?.message).toContain(
      `not believed until 3 scans in a row agree, 1m0s apart (${request} so far), at `,
    );
    await stage.reconcile('ImagePolicy');
    expect(stage.status('ImagePolicy')['latestRef']).toEqual(chosen);
    stage.aheadMs += 60_000;
  }
  await scan();
  expect(stage.ready('ImageRepository').status).toBe('True');
  expect(lastScan()).toMatchObject({ tagCount: listing.length });
  expect(stage.cluster.condition('ImageRepository', 'mainapp', 'ScanSuspect')).toBeUndefined();
});

test('a listing that recovers is believed at once', async () => {
  await scan();
  await stage.reconcile('ImagePolicy');
  stage.registry.tags = { mainapp: ['1.0.0'] };
  await requested('1');
  await scan();
  stage.registry.tags = { mainapp: ['1.0.0', '1.0.1', '1.0.2'] };
  await requested('2');
  await scan();
  expect(stage.ready('ImageRepository').status).toBe('True');
});

test('a suspended object only answers the request', async () => {
  await stage.cluster.edit('ImageRepository', 'mainapp', { suspend: true });
  await requested('1');
  await scan();
  expect(stage.registry.requests).toEqual([]);
  expect(stage.status('ImageRepository')).toEqual({ observedGeneration: -1, lastHandledReconcileAt: '1' });
});

test('a deleted object takes its tags along', async () => {
  await scan();
  await stage.cluster.delete('ImageRepository', 'mainapp');
  await scan();
  expect(() => stage.cluster.get('ImageRepository', 'mainapp')).toThrow('does not exist');
});

test('a push has the repositories of its image scanned; a burst twice at the most', async () => {
  const end = new AbortController();
  const waker = createPushWaker({
    client: stage.cluster.client,
    logger: silentLogger,
    debounceMs: 30,
    signal: end.signal,
  });
  const push = { host: stage.registry.host, repository: 'mainapp', tag: '1.0.1' };
  const annotation = async () => {
    await stage.cluster.refresh('ImageRepository', 'mainapp');
    const { annotations } = stage.cluster.get('ImageRepository', 'mainapp').metadata;
    return annotations?.['reconcile.fluxcd.io/requestedAt'];
  };
  await waker.pushed({ ...push, repository: 'elsewhere' });
  expect(await annotation()).toBeUndefined();
  for (let i = 0; i < 5; i++) await waker.pushed(push);
  const first = await annotation();
  expect(first).toBeDefined();
  await expect.poll(annotation, { interval: 10 }).not.toBe(first);
  end.abort();
});
