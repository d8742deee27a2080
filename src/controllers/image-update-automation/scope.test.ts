import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runGit } from '../../../test/support/git-repository.ts';
import { type ImageStage, putAutomation, startImageStage } from '../../../test/support/image-stage.ts';
import { allowAutomationsAnnotation, batchWindowAnnotation, policyNamespacesAnnotation } from './annotations.ts';

let stage: ImageStage;
beforeAll(async () => {
  stage = await startImageStage();
});
afterAll(() => stage?.close());
beforeEach(() => stage.reset());

const line = (tag: string, setter = 'flux-system:mainapp') =>
  `${setter.replace(/.*:/, '')}: ${stage.image}:${tag} # {"$imagepolicy": "${setter}"}\n`;
const automate = () => stage.reconcile('ImageUpdateAutomation');
const condition = (type: string) => stage.cluster.condition('ImageUpdateAutomation', 'mainapp', type)?.message;
const choose = async () => {
  await stage.reconcile('ImageRepository');
  await stage.reconcile('ImagePolicy');
};
const commits = () => Number(runGit(stage.fleet.bare, ['rev-list', '--count', 'main']));

async function putPolicy(
  name: string,
  namespace: string,
  tag: string | undefined,
  annotations: Record<string, string> = {},
): Promise<void> {
  await stage.cluster.put({
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImagePolicy',
    metadata: { name, namespace, annotations, labels: { team: name } },
    spec: { imageRepositoryRef: { name: 'mainapp' }, policy: { semver: { range: '*' } } },
    ...(tag !== undefined && { status: { latestRef: { name: stage.image, tag } } }),
  });
}

test('markers that do nothing are named in the status, once, and forgotten when they are mended', async () => {
  stage.fleet.commit({
    'apps/a.yaml': line('1.0.0', 'flux-system:gone'),
    'apps/b.yaml': `x: 1\n${line('1.0.0', 'apps:mainapp')}`,
    'apps/c.yaml': `a: [\n${line('1.0.0')}`,
    'apps/d.yaml': line('1.0.0'),
  });
  await choose();
  await automate();
  expect(stage.ready('ImageUpdateAutomation').status).toBe('True');
  expect(condition('MarkersIgnored')?.split('; ')).toEqual([
    "a.yaml:1: there is no ImagePolicy 'flux-system/gone'",
    "b.yaml:2: policy 'apps:mainapp' is in another namespace than the automation (flux-system) and is ignored",
    expect.stringMatching(/^c\.yaml:2: the whole file is skipped: /),
  ]);
  const warnings = () => stage.cluster.recorded.filter((event) => event.startsWith('Warning MarkersIgnored'));
  expect(warnings()).toHaveLength(1);
  stage.fleet.git('pull', '-q', '--rebase', 'origin', 'main');
  stage.fleet.commit({ 'apps/a.yaml': undefined, 'apps/b.yaml': undefined, 'apps/c.yaml': undefined });
  await automate();
  expect(warnings()).toHaveLength(1);
  expect(condition('MarkersIgnored')).toBeUndefined();
});

test('policies that do not count are named with the reason', async () => {
  await putPolicy('unchosen', 'flux-system', undefined);
  await putPolicy('other', 'flux-system', '2.0.0');
  await putAutomation(stage.cluster, 'mainapp', {
    policySelector: { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['other'] }] },
  });
  stage.fleet.commit({ 'apps/a.yaml': line('1.0.0', 'flux-system:other') });
  await choose();
  await automate();
  expect(condition('PoliciesSkipped')?.split('; ').sort()).toEqual([
    'flux-system/other: spec.policySelector does not select it',
    'flux-system/unchosen: it has chosen no tag yet',
  ]);
  expect(commits()).toBe(1);
});

test('policies of other namespaces count where both sides say so', async () => {
  await putPolicy('shared', 'team-a', '3.0.0', { [allowAutomationsAnnotation]: 'flux-system' });
  await putPolicy('private', 'team-b', '4.0.0');
  await stage.cluster.annotate('ImageUpdateAutomation', 'mainapp', { [policyNamespacesAnnotation]: 'team-a, team-b' });
  stage.fleet.commit({ 'apps/a.yaml': line('1.0.0', 'team-a:shared') + line('1.0.0', 'team-b:private') });
  await choose();
  await automate();
  expect(runGit(stage.fleet.bare, ['show', 'main:apps/a.yaml'])).toBe(
    (line('3.0.0', 'team-a:shared') + line('1.0.0', 'team-b:private')).trim(),
  );
  expect(condition('PoliciesSkipped')).toBe(
    `team-b/private: its annotation ${allowAutomationsAnnotation} does not name 'flux-system'`,
  );
  expect(stage.status('ImageUpdateAutomation')['observedPolicies']).toHaveProperty(['team-a/shared']);
});

test('a batch window makes one commit of several images', async () => {
  await putPolicy('second', 'flux-system', '1.0.0');
  await stage.cluster.annotate('ImageUpdateAutomation', 'mainapp', { [batchWindowAnnotation]: '300ms' });
  stage.fleet.commit({ 'apps/a.yaml': line('1.0.1') + line('1.0.0', 'flux-system:second') });
  await choose();
  await automate();
  expect(commits()).toBe(1);
  await putPolicy('second', 'flux-system', '1.0.5');
  const outcome = await automate();
  expect(outcome).toEqual({ requeueAfterMs: expect.any(Number) });
  expect((outcome as { requeueAfterMs: number }).requeueAfterMs).toBeLessThanOrEqual(300);
  await stage.cluster.editStatus('ImagePolicy', 'mainapp', { latestRef: { name: stage.image, tag: '1.0.7' } });
  await new Promise((resolve) => setTimeout(resolve, 320));
  expect(await automate()).toEqual({ requeueAfterMs: 300_000 });
  expect(commits()).toBe(2);
  expect(runGit(stage.fleet.bare, ['show', 'main:apps/a.yaml'])).toBe(
    (line('1.0.7') + line('1.0.5', 'flux-system:second')).trim(),
  );
});
