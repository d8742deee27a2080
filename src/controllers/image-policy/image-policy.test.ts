import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ImageStage, startImageStage } from '../../../test/support/image-stage.ts';
import { noDowngradeAnnotation } from './no-downgrade.ts';

let stage: ImageStage;
beforeAll(async () => {
  stage = await startImageStage();
});
afterAll(() => stage?.close());
beforeEach(() => stage.reset());

const resolve = () => stage.reconcile('ImagePolicy');
const latest = () => stage.status('ImagePolicy')['latestRef'];
const rescan = async (...tags: string[]) => {
  stage.registry.tags = { mainapp: tags };
  for (const value of ['a', 'b', 'c']) {
    await stage.cluster.annotate('ImageRepository', 'mainapp', {
      'reconcile.fluxcd.io/requestedAt': value + tags.join(),
    });
    await stage.reconcile('ImageRepository');
    stage.aheadMs += 60_000;
  }
};
const policy = (spec: Record<string, unknown>) => stage.cluster.edit('ImagePolicy', 'mainapp', spec);

test('the message names the tag and the one before', async () => {
  await rescan('1.0.0');
  expect(await resolve()).toEqual({});
  expect(stage.ready('ImagePolicy').message).toBe(`Latest image tag for ${stage.image} resolved to 1.0.0`);
  expect(stage.status('ImagePolicy')).not.toHaveProperty('observedPreviousRef');
  await rescan('1.0.0', '1.1.0');
  await resolve();
  expect(stage.ready('ImagePolicy').message).toBe(
    `Latest image tag for ${stage.image} resolved to 1.1.0 (previously ${stage.image}:1.0.0)`,
  );
  expect(stage.status('ImagePolicy')['observedPreviousRef']).toEqual({ name: stage.image, tag: '1.0.0' });
});

test('without tags it waits, keeping what it chose', async () => {
  expect(await resolve()).toEqual({ requeueAfterMs: 30_000 });
  expect(stage.ready('ImagePolicy')).toEqual({
    status: 'False',
    reason: 'DependencyNotReady',
    message: 'retrying in 30s error: no tags in database',
  });
});

test('tags of the image that the repository had before do not count', async () => {
  await rescan('1.0.0');
  await stage.cluster.edit('ImageRepository', 'mainapp', { image: `${stage.registry.host}/other` });
  expect(await resolve()).toEqual({ requeueAfterMs: 30_000 });
});

test.each([
  ['no policy', { policy: {} }, 'InvalidPolicy', 'invalid policy: given ImagePolicyChoice object is invalid', true],
  [
    'a bad range',
    { policy: { semver: { range: '>=1;2' } } },
    'InvalidPolicy',
    'invalid policy: improper constraint',
    true,
  ],
  [
    'a bad pattern',
    { filterTags: { pattern: '(?!x)' } },
    'InvalidPolicy',
    'failed to filter tags: invalid regular expression pattern',
    true,
  ],
  [
    'nothing in range',
    { policy: { semver: { range: '9.x' } } },
    'Failure',
    'unable to determine latest version from provided list',
    false,
  ],
  [
    'a missing repository',
    { imageRepositoryRef: { name: 'gone' } },
    'DependencyNotReady',
    'failed to get the referred ImageRepository: referenced ImageRepository does not exist',
    false,
  ],
])('%s', async (_, spec, reason, message, stalled) => {
  await rescan('1.0.0');
  await resolve();
  const before = latest();
  await policy(spec);
  const outcome = await resolve();
  expect(stage.ready('ImagePolicy')).toMatchObject({
    status: 'False',
    reason,
    message: expect.stringContaining(message),
  });
  expect(latest()).toEqual(before);
  if (stalled) expect(outcome).toEqual({});
  else expect(outcome).toBeInstanceOf(Error);
});

test.each([
  [undefined, "access denied: 'team/mainapp' can't be accessed due to missing ACL labels on 'accessFrom'"],
  [[], "can't be accessed due to ACL labels mismatch on namespace 'flux-system'"],
  [[{ matchLabels: { team: 'x' } }], "can't be accessed due to ACL labels mismatch on namespace 'flux-system'"],
])('a repository of another namespace with accessFrom %j refuses', async (namespaceSelectors, message) => {
  const spec = {
    image: stage.image,
    interval: '1m',
    ...(namespaceSelectors && { accessFrom: { namespaceSelectors } }),
  };
  const { apiVersion, kind } = stage.cluster.get('ImageRepository', 'mainapp');
  await stage.cluster.put({ apiVersion, kind, metadata: { name: 'mainapp', namespace: 'team' }, spec });
  await policy({ imageRepositoryRef: { name: 'mainapp', namespace: 'team' } });
  expect(await resolve()).toBeInstanceOf(Error);
  expect(stage.ready('ImagePolicy')).toMatchObject({
    reason: 'AccessDenied',
    message: expect.stringContaining(message),
  });
});

test('digests: once with IfNotPresent, each time with Always, dropped with Never', async () => {
  await rescan('1.0.0');
  await policy({ digestReflectionPolicy: 'IfNotPresent' });
  await resolve();
  const digest = stage.registry.digestOf('1.0.0');
  expect(latest()).toEqual({ name: stage.image, tag: '1.0.0', digest });
  expect(stage.ready('ImagePolicy').message).toBe(
    `Latest image tag for ${stage.image} resolved to 1.0.0 with digest ${digest}`,
  );
  stage.registry.requests.length = 0;
  await resolve();
  expect(stage.registry.requests).toEqual([]);
  await policy({ digestReflectionPolicy: 'Always', interval: '5m' });
  expect(await resolve()).toEqual({ requeueAfterMs: 300_000 });
  expect(stage.registry.requests.filter((line) => line.startsWith('HEAD'))).toHaveLength(1);
  await policy({ digestReflectionPolicy: 'Never', interval: undefined });
  await resolve();
  expect(latest()).toEqual({ name: stage.image, tag: '1.0.0' });
});

test('digests without interval are refused by the schema; an object older than its rule stalls', async () => {
  const message = "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'";
  await expect(policy({ digestReflectionPolicy: 'Always' })).rejects.toThrow(message);
  stage.beforeRead = (object) => {
    if (object.kind === 'ImagePolicy')
      object['spec'] = { ...(object['spec'] as object), digestReflectionPolicy: 'Always' };
  };
  expect(await resolve()).toEqual({});
  expect(stage.ready('ImagePolicy')).toEqual({ status: 'False', reason: 'IntervalNotConfigured', message });
});

test('a policy that must not go down says so and stays', async () => {
  await stage.cluster.annotate('ImagePolicy', 'mainapp', { [noDowngradeAnnotation]: 'true' });
  await rescan('1.0.0', '1.1.0');
  await resolve();
  await rescan('1.0.0');
  expect(await resolve()).toBeInstanceOf(Error);
  expect(stage.ready('ImagePolicy')).toMatchObject({
    reason: 'DowngradeRefused',
    message: expect.stringContaining('1.0.0, which is lower than 1.1.0'),
  });
  expect(latest()).toMatchObject({ tag: '1.1.0' });
  await rescan('1.0.0', '1.2.0');
  await resolve();
  expect(latest()).toMatchObject({ tag: '1.2.0' });
});
