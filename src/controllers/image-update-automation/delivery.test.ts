import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runGit } from '../../../test/support/git-repository.ts';
import { type ImageStage, putAutomation, startImageStage } from '../../../test/support/image-stage.ts';

let stage: ImageStage;
beforeAll(async () => {
  stage = await startImageStage();
});
afterAll(() => stage?.close());
beforeEach(() => stage.reset());

const deployment = (tag: string, policy = 'mainapp') =>
  `image: ${stage.image}:${tag} # {"$imagepolicy": "flux-system:${policy}"}\n`;
const choose = async () => {
  await stage.reconcile('ImageRepository');
  await stage.reconcile('ImagePolicy');
};
const show = (path: string, branch = 'main') => {
  stage.fleet.git('fetch', '-q', 'origin');
  return stage.fleet.git('show', `origin/${branch}:${path}`);
};
const commits = (branch = 'main') => Number(runGit(stage.fleet.bare, ['rev-list', '--count', branch]));
const pushSettings = (git: Record<string, unknown>) => ({
  git: { commit: { author: { name: 'm', email: 'm@example.com' } }, ...git },
});

test('a tag travels from the registry into a commit', async () => {
  const { fleet, cluster, image } = stage;
  const base = fleet.commit({ 'apps/app.yaml': deployment('1.0.0'), 'other.yaml': deployment('1.0.0') });
  expect(await stage.reconcile('ImageRepository')).toEqual({ requeueAfterMs: 60_000 });
  expect(await stage.reconcile('ImagePolicy')).toEqual({});
  expect(await stage.reconcile('ImageUpdateAutomation')).toEqual({ requeueAfterMs: 300_000 });
  expect(stage.ready('ImageUpdateAutomation')).toEqual({
    status: 'True',
    reason: 'Succeeded',
    message: 'repository up-to-date',
  });
  const pushed = stage.head();
  expect(stage.status('ImageUpdateAutomation')).toMatchObject({
    lastPushCommit: pushed,
    observedSourceRevision: `main@sha1:${pushed}`,
    observedPolicies: { mainapp: { name: image, tag: '1.0.1' } },
  });
  fleet.git('fetch', '-q', 'origin');
  expect(fleet.git('diff', '--stat=80', base, pushed)).toContain('1 file changed, 1 insertion(+), 1 deletion(-)');
  expect(`${show('apps/app.yaml')}\n`).toBe(deployment('1.0.1'));
  expect(fleet.git('log', '-1', '--format=%an <%ae> %s', pushed)).toBe(
    'millrace <m@example.com> Update from image update automation',
  );
  expect(cluster.recorded.at(-1)).toMatch(
    /^Normal Succeeded: pushed commit '[0-9a-f]{7}' to branch 'main'\nUpdate from/,
  );
  expect(cluster.get('GitRepository', 'fleet').metadata.annotations).toHaveProperty([
    'reconcile.fluxcd.io/requestedAt',
  ]);

  await stage.reconcile('ImageUpdateAutomation');
  expect(stage.head()).toBe(pushed);
  expect(cluster.recorded.at(-1)).toBe('Trace Succeeded: no change since last reconciliation');
});

test('objects of v1beta2 deliver as well, and read back in both versions', async () => {
  const { cluster } = stage;
  stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  const kinds = ['ImageRepository', 'ImagePolicy', 'ImageUpdateAutomation'] as const;
  const specs = kinds.map((kind) => (cluster.get(kind, 'mainapp') as unknown as { spec: object }).spec);
  await cluster.clear(kinds);
  for (const [index, kind] of kinds.entries()) {
    const spec = specs[index];
    await cluster.put({ apiVersion: 'image.toolkit.fluxcd.io/v1beta2', kind, metadata: { name: 'mainapp' }, spec });
  }
  for (const kind of kinds) await stage.reconcile(kind);
  expect(`${show('apps/app.yaml')}\n`).toBe(deployment('1.0.1'));
  for (const kind of kinds) {
    for (const version of ['v1', 'v1beta2']) {
      const ref = {
        apiVersion: `image.toolkit.fluxcd.io/${version}`,
        kind,
        namespace: cluster.namespace,
        name: 'mainapp',
      };
      const object = await cluster.client.get(ref, { signal: new AbortController().signal });
      expect(object).toMatchObject({ apiVersion: ref.apiVersion, status: { observedGeneration: 1 } });
    }
  }
});

test('the message comes from the template, with sorted data', async () => {
  const messageTemplate =
    '{{ range .Changed.Changes }}{{ .OldValue | splitList ":" | last }} -> {{ .NewValue | splitList ":" | last }}{{ end }} by {{ .AutomationObject }}';
  await putAutomation(stage.cluster, 'mainapp', {
    git: { commit: { author: { email: 'm@example.com' }, messageTemplate } },
  });
  stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  await choose();
  await stage.reconcile('ImageUpdateAutomation');
  expect(runGit(stage.fleet.bare, ['log', '-1', '--format=%B', 'main'])).toBe('1.0.0 -> 1.0.1 by flux-system/mainapp');
});

test.each([
  ['{{ .Updated.Images }}', 'RemovedTemplateField', "template uses removed '.Updated' field"],
  ['{{ nope }}', 'GitOperationFailed', 'failed to update source: unable to create commit message template from spec:'],
])('the template %s stops the commit', async (messageTemplate, reason, message) => {
  await putAutomation(stage.cluster, 'mainapp', { git: { commit: { author: { email: 'm@e' }, messageTemplate } } });
  const base = stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  await choose();
  await stage.reconcile('ImageUpdateAutomation');
  expect(stage.ready('ImageUpdateAutomation')).toMatchObject({ reason, message: expect.stringContaining(message) });
  expect(stage.head()).toBe(base);
});

test('ten automations of several processes push to one branch at once: all land, none twice', async () => {
  const names = Array.from({ length: 10 }, (_, index) => `team-${index}`);
  for (const name of names) {
    await putAutomation(stage.cluster, name, { update: { strategy: 'Setters', path: `./apps/${name}` } });
  }
  stage.fleet.commit(Object.fromEntries(names.map((name) => [`apps/${name}/app.yaml`, deployment('1.0.0')])));
  await choose();
  const processes = [stage.otherAutomation(), stage.otherAutomation(), stage.otherAutomation()];
  const outcomes = await Promise.all(
    names.map((name, index) => stage.run(processes[index % processes.length] ?? stage.otherAutomation(), name)),
  );
  expect(outcomes).toEqual(names.map(() => ({ requeueAfterMs: 300_000 })));
  expect(commits()).toBe(1 + names.length);
  for (const name of names) expect(`${show(`apps/${name}/app.yaml`)}\n`).toBe(deployment('1.0.1'));
}, 60_000);

test('a push that loses the race is redone on the new head, keeping the other side', async () => {
  stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  await choose();
  let raced = false;
  stage.gitServer.options.intercept = (request) => {
    if (raced || request.url?.includes('git-receive-pack') !== true) return false;
    raced = true;
    stage.fleet.commit({ 'apps/other.yaml': 'a: 1\n', 'apps/app.yaml': `# note\n${deployment('1.0.0')}` });
    return false;
  };
  expect(await stage.reconcile('ImageUpdateAutomation')).toEqual({ requeueAfterMs: 300_000 });
  expect(raced).toBe(true);
  expect(commits()).toBe(3);
  expect(`${show('apps/app.yaml')}\n`).toBe(`# note\n${deployment('1.0.1')}`);
  expect(show('apps/other.yaml')).toBe('a: 1');
});

test('when the other side made the same change, there is no second commit', async () => {
  stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  await choose();
  let raced = false;
  stage.gitServer.options.intercept = (request) => {
    if (raced || request.url?.includes('git-receive-pack') !== true) return false;
    raced = true;
    stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.1') });
    return false;
  };
  await stage.reconcile('ImageUpdateAutomation');
  expect(stage.ready('ImageUpdateAutomation').status).toBe('True');
  expect(commits()).toBe(2);
});

test('what a killed run left behind is no obstacle: neither an unpushed commit nor a broken clone', async () => {
  stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  await choose();
  const automation = stage.otherAutomation();
  // The push is refused once: the clone now holds a commit that never left, as after kill -9.
  stage.gitServer.options.intercept = (request, response) => {
    if (request.url?.includes('git-receive-pack') !== true) return false;
    response.writeHead(503).end();
    return true;
  };
  expect(await stage.run(automation)).toBeInstanceOf(Error);
  expect(stage.ready('ImageUpdateAutomation').reason).toBe('GitOperationFailed');
  delete stage.gitServer.options.intercept;
  breakClones(stage.dir);
  expect(await stage.run(automation)).toEqual({ requeueAfterMs: 300_000 });
  expect(commits()).toBe(2);
  expect(await stage.run(stage.otherAutomation())).toEqual({ requeueAfterMs: 300_000 });
  expect(commits()).toBe(2);
});

/** As a machine that lost power could leave them. */
function breakClones(dir: string): void {
  for (const name of readdirSync(dir).filter((entry) => entry.startsWith('clones-'))) {
    for (const path of readdirSync(join(dir, name), { recursive: true, encoding: 'utf8' })) {
      if (path.endsWith('git/HEAD')) writeFileSync(join(dir, name, path), '');
    }
  }
}

test('a rewritten branch is followed', async () => {
  stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  await choose();
  await stage.reconcile('ImageUpdateAutomation');
  stage.fleet.git('reset', '-q', '--hard', 'HEAD');
  stage.fleet.commit({ 'apps/app.yaml': deployment('0.9.0') }, { force: true });
  await stage.reconcile('ImageUpdateAutomation');
  expect(`${show('apps/app.yaml')}\n`).toBe(deployment('1.0.1'));
});

test('a protected branch is said to be one', async () => {
  stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  await choose();
  const hook = join(stage.fleet.bare, 'hooks', 'pre-receive');
  writeFileSync(hook, '#!/bin/sh\necho "branch main is protected" >&2\nexit 1\n', { mode: 0o755 });
  expect(await stage.reconcile('ImageUpdateAutomation')).toMatchObject({ code: 'IMAGE_RECONCILE_FAILED' });
  expect(stage.ready('ImageUpdateAutomation')).toMatchObject({
    reason: 'GitOperationFailed',
    message: expect.stringMatching(/^failed to update source: failed to push to remote: .*protected/s),
  });
  expect(stage.cluster.condition('ImageUpdateAutomation', 'mainapp', 'Reconciling')?.reason).toBe(
    'ProgressingWithRetry',
  );
});

test('another push branch is made from the checkout, then continued; a refspec is pushed too', async () => {
  await putAutomation(
    stage.cluster,
    'mainapp',
    pushSettings({ push: { branch: 'updates', refspec: 'refs/heads/updates:refs/heads/copy' } }),
  );
  stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  await choose();
  await putAutomation(
    stage.cluster,
    'mainapp',
    pushSettings({ push: { branch: 'updates', refspec: 'HEAD:refs/heads/copy' } }),
  );
  await stage.reconcile('ImageUpdateAutomation');
  expect(stage.ready('ImageUpdateAutomation').message).toBe('repository up-to-date');
  expect(`${show('apps/app.yaml', 'updates')}\n`).toBe(deployment('1.0.1'));
  expect(stage.head('copy')).toBe(stage.head('updates'));
  expect(`${show('apps/app.yaml')}\n`).toBe(deployment('1.0.0'));
  stage.registry.tags['mainapp']?.push('1.0.2');
  await stage.cluster.annotate('ImageRepository', 'mainapp', { 'reconcile.fluxcd.io/requestedAt': 'now' });
  await choose();
  await stage.reconcile('ImageUpdateAutomation');
  expect(commits('updates')).toBe(3);
  expect(stage.cluster.recorded.at(-1)).toContain("to branch 'updates' and refspecs 'HEAD:refs/heads/copy'");
});

test('with GitAllBranchReferences off the push branch starts anew from the checkout', async () => {
  await putAutomation(stage.cluster, 'mainapp', pushSettings({ push: { branch: 'updates' } }));
  stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  stage.fleet.commit({ 'stale.yaml': 'a: 1\n' }, { branch: 'updates' });
  stage.fleet.git('reset', '-q', '--hard', 'HEAD~1');
  await choose();
  await stage.run(stage.otherAutomation({ gitAllBranchReferences: false }));
  expect(commits('updates')).toBe(2);
  expect(() => show('stale.yaml', 'updates')).toThrow();
});

test.each([
  ['no git', { git: undefined }, 'InvalidSourceConfiguration', /necessitates field .spec.git/],
  ['no repository', { sourceRef: { kind: 'GitRepository', name: 'gone' } }, 'SourceManagerFailed', /does not exist/],
  [
    'a bad selector',
    { policySelector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } },
    'InvalidPolicySelector',
    /not a valid label selector operator/,
  ],
  [
    'a missing path',
    { update: { strategy: 'Setters', path: './nope' } },
    'UpdateFailed',
    /^failed to apply policies: walking path for files/,
  ],
  [
    'a path that leaves the tree',
    { update: { strategy: 'Setters', path: '../../..' } },
    'UpdateFailed',
    /leads out of the repository/,
  ],
  [
    'no such branch',
    pushSettings({ checkout: { ref: { branch: 'gone' } } }),
    'GitOperationFailed',
    /^failed to checkout source: .*refs\/heads\/gone/,
  ],
  [
    'no branch to push to',
    pushSettings({ checkout: { ref: { tag: 'v1' } } }),
    'SourceManagerFailed',
    /push spec not provided/,
  ],
  [
    'a missing signing key',
    pushSettings({ commit: { author: { email: 'e' }, signingKey: { secretRef: { name: 'k' } } } }),
    'SourceManagerFailed',
    /could not find signing key secret 'k'/,
  ],
])('%s is reported', async (_, spec, reason, message) => {
  await putAutomation(stage.cluster, 'mainapp', spec);
  stage.fleet.commit({ 'apps/app.yaml': deployment('1.0.0') });
  await choose();
  await stage.reconcile('ImageUpdateAutomation');
  expect(stage.ready('ImageUpdateAutomation')).toMatchObject({
    status: 'False',
    reason,
    message: expect.stringMatching(message),
  });
});
