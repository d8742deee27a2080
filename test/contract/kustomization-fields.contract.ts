import { createHash } from 'node:crypto';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newLifetime } from '../../src/base/deadline.ts';
import type { KubeObject } from '../../src/base/kube-object.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { type Delivery, configMapFile as map, startDelivery } from '../support/delivery.ts';
import type { ContractCluster } from './kube.contract.ts';

const { signal } = newLifetime();
const options = { signal, fieldManager: 'test' };
const domain = 'kustomize.toolkit.fluxcd.io';

interface SeenEvent {
  name: string;
  text: string;
  metadata: Record<string, string>;
}

/** What the fields of a Kustomization and the marks of its objects do, in the embedded cluster and in a real one. */
export function kustomizationFieldsContract(name: string, open: () => Promise<ContractCluster>): void {
  describe(`kustomization fields: ${name}`, () => {
    let cluster: ContractCluster;
    let client: KubeClient;
    let delivery: Delivery;
    const events: SeenEvent[] = [];

    beforeAll(async () => {
      cluster = await open();
      ({ client } = cluster);
      const event = (
        object: KubeObject,
        type: string,
        reason: string,
        message: string,
        metadata: Record<string, string> = {},
      ) => void events.push({ name: object.metadata.name, text: `${type} ${reason}: ${message}`, metadata });
      delivery = await startDelivery({ client, deps: { events: { event }, gates: { migrateApiVersion: true } } });
    });
    afterAll(async () => {
      await delivery?.close();
      await cluster?.close();
    });

    /** A Kustomization of its own source, at its first revision. */
    const deliver = async (id: string, files: Record<string, unknown>, spec: Record<string, unknown> = {}) => {
      await delivery.commit(id, 'main@sha1:1', asTexts(files));
      await delivery.create(id, { sourceRef: { kind: 'GitRepository', name: id }, ...spec });
    };
    const commit = (id: string, revision: number, files: Record<string, unknown>) =>
      delivery.commit(id, `main@sha1:${revision}`, asTexts(files));
    const applied = (id: string, revision: number) =>
      delivery.until(id, 'ReconciliationSucceeded', new RegExp(`Applied revision: main@sha1:${revision}$`));
    const live = (apiVersion: string, kind: string, objectName: string) =>
      client.get({ apiVersion, kind, namespace: delivery.namespace, name: objectName }, { signal });
    const dataOf = async (mapName: string) => (await delivery.configMap(mapName))?.['data'];

    test('what the spec adds to the kustomization file', async () => {
      await deliver(
        'overlay',
        {
          'app/kustomization.yaml': {
            resources: ['m.yaml'],
            namePrefix: 'old-',
            images: [{ name: 'web', newTag: '1' }],
          },
          'app/m.yaml': `${map('m', { k: 'v' })}\n---\n${JSON.stringify(deployment('web', 'web:0'))}`,
          'extra/kustomization.yaml': {
            apiVersion: 'kustomize.config.k8s.io/v1alpha1',
            kind: 'Component',
            resources: ['c.yaml'],
          },
          'extra/c.yaml': map('component', {}),
        },
        {
          path: './../../app',
          namePrefix: 'p-',
          nameSuffix: '-s',
          commonMetadata: { labels: { team: 'a' }, annotations: { note: 'b' } },
          components: ['../extra', '../missing'],
          ignoreMissingComponents: true,
          images: [{ name: 'web', newName: 'registry.example/web' }],
          patches: [
            { target: { kind: 'ConfigMap', name: 'm' }, patch: '- {op: add, path: /data/patched, value: "yes"}' },
          ],
        },
      );
      await applied('overlay', 1);
      const found = await delivery.configMap('p-m-s');
      expect(found?.['data']).toEqual({ k: 'v', patched: 'yes' });
      expect(found?.metadata.labels).toMatchObject({ team: 'a', [`${domain}/name`]: 'overlay' });
      expect(found?.metadata.annotations).toMatchObject({ note: 'b' });
      expect(await delivery.configMap('p-component-s')).toBeDefined();
      expect(await live('apps/v1', 'Deployment', 'p-web-s')).toMatchObject({
        spec: { template: { spec: { containers: [{ image: 'registry.example/web:1' }] } } },
      });
      await delivery.edit('overlay', { ignoreMissingComponents: false });
      await delivery.until('overlay', 'BuildFailed', /missing/);
      await delivery.edit('overlay', { components: ['https://example.com/c'] });
      await delivery.until('overlay', 'BuildFailed', /component path 'https:.*' must be local and relative/);
      await delivery.edit('overlay', { components: null, commonMetadata: { labels: { [`${domain}/name`]: 'x' } } });
      await delivery.until('overlay', 'ReconciliationFailed', /may not set/);
      await delivery.edit('overlay', { path: './nowhere' });
      await delivery.until('overlay', 'ArtifactFailed', /kustomization path not found: stat nowhere/);
    });

    test('variables: optional ones, Secrets, defaults alone, objects that are left out, types kept by quotes', async () => {
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'vars', namespace: delivery.namespace } };
      await client.create({ ...secret, stringData: { region: 'eu\n', id: '004' } }, options);
      const left = { annotations: { [`${domain}/substitute`]: 'disabled' } };
      await deliver(
        'vars',
        {
          'a.yaml': map('vars-a', { text: '${region}', id: '${quote}${id}${quote}' }),
          'b.yaml': map('vars-b', { text: '${region}' }, left),
        },
        {
          postBuild: {
            substituteFrom: [
              { kind: 'ConfigMap', name: 'absent', optional: true },
              { kind: 'Secret', name: 'vars' },
            ],
            substitute: { quote: '"' },
          },
        },
      );
      await applied('vars', 1);
      expect(await dataOf('vars-a')).toEqual({ text: 'eu', id: '004' });
      expect(await dataOf('vars-b')).toEqual({ text: '${region}' });
      await delivery.edit('vars', { postBuild: { substituteFrom: [{ kind: 'ConfigMap', name: 'absent' }] } });
      await delivery.until(
        'vars',
        'BuildFailed',
        /substitute from 'ConfigMap\/absent' error: configmaps "absent" not found/,
      );
      await delivery.edit('vars', { postBuild: { substituteFrom: null, substitute: { 'a.b': 'x' } } });
      await delivery.until('vars', 'BuildFailed', /'a\.b' var name is invalid, must match/);
      await commit('vars', 2, { 'a.yaml': map('vars-a', { text: '${region:=none}' }) });
      await delivery.edit('vars', { postBuild: { substitute: null, substituteStrategy: 'Always' } });
      await applied('vars', 2);
      expect(await dataOf('vars-a')).toEqual({ text: 'none' });
    });

    test('events say what was done, at which revision', async () => {
      await deliver('events', { 'a.yaml': map('events-a', {}), 'b.yaml': map('events-b', {}) });
      await applied('events', 1);
      await commit('events', 2, { 'a.yaml': map('events-a', { k: '1' }) });
      await applied('events', 2);
      await commit('events', 3, { 'a.yaml': map('events-a', { k: 1 as unknown as string }) });
      await delivery.until('events', 'ReconciliationFailed', /dry-run failed/);
      const ref = (objectName: string) => `ConfigMap/${delivery.namespace}/${objectName}`;
      const at = (revision: number) => ({ [`${domain}/revision`]: `main@sha1:${revision}` });
      const finished = expect.stringMatching(
        /^Normal ReconciliationSucceeded: Reconciliation finished in .+, next run in 1h0m0s$/,
      );
      const created = `Normal Progressing: ${ref('events-a')} created\n${ref('events-b')} created`;
      const refused = expect.stringMatching(/^Warning ReconciliationFailed: ConfigMap\/.*events-a dry-run failed/);
      const expected = [
        [created, at(1)],
        [finished, { ...at(1), [`${domain}/commit_status`]: 'update' }],
        [`Normal Progressing: ${ref('events-a')} configured`, at(2)],
        [`Normal Progressing: ${ref('events-b')} deleted`, at(2)],
        [finished, { ...at(2), [`${domain}/commit_status`]: 'update' }],
        [refused, at(3)],
      ];
      for (const [text, metadata] of expected) {
        await expect.poll(() => events, { timeout: 15_000 }).toContainEqual({ name: 'events', text, metadata });
      }
    });

    test('the history names what was built by the digest of its YAML', async () => {
      await deliver('history', { 'a.yaml': map('history', { k: '1' }) });
      await applied('history', 1);
      await commit('history', 2, { 'a.yaml': map('history', { k: '2' }) });
      await applied('history', 2);
      await commit('history', 3, { 'a.yaml': map('history', { k: '1' }) });
      await applied('history', 3);
      const { history = [] } = (await delivery.get('history'))?.status ?? {};
      const yaml = `apiVersion: v1\ndata:\n  k: "1"\nkind: ConfigMap\nmetadata:\n  name: history\n  namespace: ${delivery.namespace}\n`;
      expect(history).toHaveLength(2);
      expect(history[0]).toMatchObject({
        digest: `sha256:${createHash('sha256').update(yaml).digest('hex')}`,
        lastReconciledStatus: 'ReconciliationSucceeded',
        totalReconciliations: 2,
        metadata: { revision: 'main@sha1:3' },
      });
    });

    test('one that was ready when it was suspended holds nobody up', async () => {
      await deliver('paused', { 'a.yaml': map('paused', {}) });
      await applied('paused', 1);
      await delivery.edit('paused', { suspend: true });
      await expect
        .poll(async () => (await delivery.get('paused'))?.status?.observedGeneration, { timeout: 15_000 })
        .toBe(2);
      await deliver('after-paused', { 'a.yaml': map('after-paused', {}) }, { dependsOn: [{ name: 'paused' }] });
      await applied('after-paused', 1);
    });

    test('fields that a built-in kind does not have are left out, and named', async () => {
      const web = deployment('typo', 'web:1');
      const { template } = web['spec'] as { template: { spec: { containers: Record<string, unknown>[] } } };
      template.spec.containers[0] = { ...template.spec.containers[0], comand: ['x'] };
      await deliver('typo', { 'a.yaml': { ...web, spec: { ...(web['spec'] as object), replica: 2 } } });
      await applied('typo', 1);
      expect(events.find((event) => event.name === 'typo')?.text).toMatch(
        /Deployment\/.*\/typo created\nDeployment\/.*\/typo: left out what its kind does not have: .*\.spec\.replica/,
      );
      // Made anew for a field that may not change, it must not fail for the other one once it is deleted.
      const frozen = (app: string) => ({
        ...web,
        spec: { ...(deployment(app, 'web:1')['spec'] as object), replica: 2 },
      });
      await delivery.edit('typo', { force: true });
      await commit('typo', 2, { 'a.yaml': frozen('other') });
      await applied('typo', 2);
      expect(await live('apps/v1', 'Deployment', 'typo')).toMatchObject({
        spec: { selector: { matchLabels: { app: 'other' } } },
      });
      const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'typo' }, rulez: [] };
      await commit('typo', 3, { 'a.yaml': role });
      await delivery.until('typo', 'ReconciliationFailed', /\.rulez: field not declared in schema/);
    });

    test('an ignored field stays with whoever applies it', async () => {
      const ignore = [{ paths: ['/spec/replicas', '/spec/template/spec/containers/0/resources'] }];
      await deliver('scaled', { 'd.yaml': deployment('scaled', 'web:1') }, { ignore });
      await applied('scaled', 1);
      const resources = { limits: { cpu: '2' } };
      const spec = { replicas: 3, template: { spec: { containers: [{ name: 'web', resources }] } } };
      const metadata = { name: 'scaled', namespace: delivery.namespace };
      const scaler = { signal, fieldManager: 'scaler', force: true };
      await client.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec }, scaler);
      const next = deployment('scaled', 'web:2', { limits: { cpu: '1' } });
      await commit('scaled', 2, { 'd.yaml': next });
      await applied('scaled', 2);
      const found = await live('apps/v1', 'Deployment', 'scaled');
      expect(found).toMatchObject({
        spec: { replicas: 3, template: { spec: { containers: [{ image: 'web:2', resources }] } } },
      });
      const own = found?.metadata.managedFields?.find(({ manager }) => manager === 'kustomize-controller');
      expect(JSON.stringify(own?.fieldsV1)).not.toMatch(/f:replicas|f:limits/);
    });

    test('an object that is not applied is not waited for', async () => {
      const cluster = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', rules: [] };
      const metadata = { name: `absent-${delivery.namespace}`, annotations: { [`${domain}/ssa`]: 'Ignore' } };
      await deliver('absent', { 'r.yaml': { ...cluster, metadata }, 'a.yaml': map('absent', {}) }, { wait: true });
      await applied('absent', 1);
      expect((await delivery.condition('absent', 'Healthy'))?.status).toBe('True');
    });

    test('a stage that can never become ready fails at once', async () => {
      const apiVersion = `${delivery.namespace}.example/v1`;
      const one = { apiVersion, kind: 'GadgetClass', metadata: { name: 'one', namespace: delivery.namespace } };
      const crd = definition(`${delivery.namespace}.example`, 'GadgetClass', ['v1']);
      const files = { 'crd.yaml': crd, 'class.yaml': one, 'a.yaml': map('after-class', { k: '1' }) };
      await deliver('class', files);
      await applied('class', 1);
      const status = { conditions: [{ type: 'Stalled', status: 'True', reason: 'Broken', message: 'it is broken' }] };
      const target = { ...options, fieldManager: 'class-controller' };
      await client.patch({ ...one, ...one.metadata }, 'merge', { status }, target);
      await commit('class', 2, { ...files, 'a.yaml': map('after-class', { k: '2' }) });
      const shown = /failed early due to stalled resources: \[GadgetClass\/.*\/one status: 'Failed'\]\n.*it is broken/;
      await delivery.until('class', 'ReconciliationFailed', shown);
      expect(await dataOf('after-class')).toEqual({ k: '1' });
    });

    test('ownership moves to the API version of the manifest', async () => {
      const group = `moved-${delivery.namespace}.example`;
      const gadget = (version: string) => ({
        apiVersion: `${group}/${version}`,
        kind: 'Gadget',
        metadata: { name: 'g' },
      });
      const crd = definition(group, 'Gadget', ['v1beta1', 'v1']);
      await deliver('moved', { 'crd.yaml': crd, 'g.yaml': gadget('v1beta1') });
      await applied('moved', 1);
      await client.patch(
        { ...gadget('v1beta1'), namespace: delivery.namespace, name: 'g' },
        'merge',
        { spec: { size: 2 } },
        { signal, fieldManager: 'sizer' },
      );
      await commit('moved', 2, { 'crd.yaml': crd, 'g.yaml': gadget('v1') });
      await applied('moved', 2);
      const found = await live(`${group}/v1`, 'Gadget', 'g');
      const versions = found?.metadata.managedFields?.map(({ manager, apiVersion }) => `${manager} ${apiVersion}`);
      expect(versions?.sort()).toEqual([`kustomize-controller ${group}/v1`, `sizer ${group}/v1`]);
    });

    test('what is no manifest to apply is not applied', async () => {
      const list = { apiVersion: 'v1', kind: 'ConfigMapList', items: [JSON.parse(map('listed', { k: '1' }))] };
      const built = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', metadata: { name: 'x' } };
      await deliver('mixed', { 'list.yaml': list, 'built.yaml': built, 'empty.yaml': '# nothing\n', 'README.md': 'x' });
      await applied('mixed', 1);
      expect((await delivery.get('mixed'))?.status?.inventory?.entries.map(({ id }) => id)).toEqual([
        `${delivery.namespace}_listed__ConfigMap`,
      ]);
      await commit('mixed', 2, { 'values.yaml': 'replicas: 1\n' });
      await delivery.until('mixed', 'BuildFailed', /failed to decode Kubernetes YAML from values\.yaml/);
      expect(await delivery.configMap('listed')).toBeDefined();
    });
  });
}

function asTexts(files: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [path, typeof content === 'string' ? content : dump(content)]),
  );
}

function deployment(name: string, image: string, resources?: unknown): KubeObject {
  const labels = { app: name };
  const containers = [{ name: 'web', image, ...(resources === undefined ? {} : { resources }) }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}

function definition(group: string, kind: string, versions: string[]): KubeObject {
  const plural = `${kind.toLowerCase()}s`;
  const spec = { type: 'object', properties: { size: { type: 'integer' } } };
  const status = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec, status } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      versions: versions.map((version, index) => ({
        name: version,
        served: true,
        storage: index === versions.length - 1,
        schema,
      })),
    },
  };
}
