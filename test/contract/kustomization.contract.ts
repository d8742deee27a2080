import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newLifetime } from '../../src/base/deadline.ts';
import type { KubeObject } from '../../src/base/kube-object.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { type Delivery, configMapFile as map, startDelivery } from '../support/delivery.ts';
import type { ContractCluster } from './kube.contract.ts';

const { signal } = newLifetime();
const write = { signal, fieldManager: 'kubectl-edit' };
const domain = 'kustomize.toolkit.fluxcd.io';

/** What the Kustomization controller does in a cluster; the same for the embedded one and a real one. */
export function kustomizationContract(name: string, open: () => Promise<ContractCluster>): void {
  describe(`kustomization contract: ${name}`, () => {
    let cluster: ContractCluster;
    let client: KubeClient;
    let delivery: Delivery;

    beforeAll(async () => {
      cluster = await open();
      ({ client } = cluster);
      delivery = await startDelivery({ client });
    });
    afterAll(async () => {
      await delivery?.close();
      await cluster?.close();
    });

    const ref = (kind: string, objectName: string, apiVersion = 'v1') => ({
      apiVersion,
      kind,
      namespace: delivery.namespace,
      name: objectName,
    });
    const dataOf = async (mapName: string) => (await delivery.configMap(mapName))?.['data'];
    const sourceRef = (source: string) => ({ sourceRef: { kind: 'GitRepository', name: source } });

    test('applies with labels and one field manager, leaves what is right, undoes edits, prunes', async () => {
      await delivery.commit('basic', 'main@sha1:1', { 'a.yaml': map('a', { k: '1' }), 'b.yaml': map('b', { k: '1' }) });
      await delivery.create('basic', sourceRef('basic'));
      await delivery.until('basic', 'ReconciliationSucceeded', /Applied/);
      const applied = await delivery.configMap('a');
      expect(applied?.metadata.labels).toEqual({
        [`${domain}/name`]: 'basic',
        [`${domain}/namespace`]: delivery.namespace,
      });
      expect(applied?.metadata.managedFields?.map(({ manager, operation }) => [manager, operation])).toEqual([
        ['kustomize-controller', 'Apply'],
      ]);
      await client.patch(ref('ConfigMap', 'a'), 'merge', { data: { k: 'edited', added: 'x' } }, write);
      await delivery.commit('basic', 'main@sha1:2', { 'a.yaml': map('a', { k: '1' }) });
      await delivery.until('basic', 'ReconciliationSucceeded', /Applied revision: main@sha1:2/);
      expect(await dataOf('a')).toEqual({ k: '1' });
      expect(await delivery.configMap('b')).toBeUndefined();
      const { status } = (await delivery.get('basic')) ?? {};
      expect(status?.inventory?.entries).toEqual([{ id: `${delivery.namespace}_a__ConfigMap`, v: 'v1' }]);
      expect(status).toMatchObject({ lastAppliedRevision: 'main@sha1:2', lastAttemptedRevision: 'main@sha1:2' });
      expect(status?.history).toHaveLength(2);
      const version = (await delivery.configMap('a'))?.metadata.resourceVersion;
      await delivery.commit('basic', 'main@sha1:3', { 'a.yaml': map('a', { k: '1' }) });
      await delivery.until('basic', 'ReconciliationSucceeded', /main@sha1:3/);
      expect((await delivery.configMap('a'))?.metadata.resourceVersion).toBe(version);
      expect(delivery.events).toContainEqual(
        expect.stringMatching(/^Kustomization\/basic Normal Progressing: ConfigMap\/.*\/b deleted$/),
      );
    });

    test('reports every refused object with its file and line, and writes none', async () => {
      await delivery.commit('refused', 'main@sha1:1', {
        'app/good.yaml': map('refused-good', {}),
        'app/bad.yaml': `# comment\n---\n${map('refused-bad', { 'not a key': 'x' })}\n---\n${map('Not_A_Name', {})}`,
        'app/role.yaml': JSON.stringify({
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'refused-binding' },
        }),
      });
      await delivery.create('refused', sourceRef('refused'));
      const { message } = await delivery.until('refused', 'ReconciliationFailed', /dry-run failed/);
      expect(message).toMatch(/refused-bad dry-run failed \(Invalid\).* \(from app\/bad\.yaml:3\)/);
      expect(message).toMatch(/Not_A_Name dry-run failed \(Invalid\).* \(from app\/bad\.yaml:5\)/);
      expect(message).toMatch(/RoleBinding\/.*refused-binding dry-run failed \(Invalid\).* \(from app\/role\.yaml:1\)/);
      expect(await delivery.configMap('refused-good')).toBeUndefined();
    });

    test('a namespace and what goes into it; a definition and its object', async () => {
      const inner = `${delivery.namespace}-inner`;
      const group = `${delivery.namespace}.dev`;
      await delivery.commit('stages', 'main@sha1:1', {
        'ns.yaml': JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: inner } }),
        'map.yaml': map('inside', { k: '1' }, { namespace: inner }),
        'crd.yaml': JSON.stringify(gadgetDefinition(group)),
        'gadget.yaml': JSON.stringify({
          apiVersion: `${group}/v1`,
          kind: 'Gadget',
          metadata: { name: 'one', namespace: inner },
          spec: { size: 1 },
        }),
      });
      await delivery.create('stages', { ...sourceRef('stages'), targetNamespace: undefined, wait: true });
      await delivery.until('stages', 'ReconciliationSucceeded');
      const gadget = { apiVersion: `${group}/v1`, kind: 'Gadget', namespace: inner, name: 'one' };
      expect(await client.get(gadget, { signal })).toBeDefined();
      await delivery.delete('stages');
      await expect.poll(() => delivery.get('stages'), { timeout: 20_000 }).toBeUndefined();
      const definition = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        name: `gadgets.${group}`,
      };
      await expect.poll(() => client.get(definition, { signal }), { timeout: 20_000 }).toBeUndefined();
    });

    test('dependants wait, and follow at once when the dependency is ready', async () => {
      await delivery.commit('chain', 'main@sha1:1', { 'x/a.yaml': map('chain-x', {}), 'y/a.yaml': map('chain-y', {}) });
      await delivery.create('chain-y', { ...sourceRef('chain'), path: './y', dependsOn: [{ name: 'chain-x' }] });
      await delivery.until('chain-y', 'DependencyNotReady', /chain-x' not found/);
      const expression = "has(dep.metadata.annotations) && dep.metadata.annotations['go'] == 'yes'";
      const judged = { ...sourceRef('chain'), path: './y', dependsOn: [{ name: 'chain-x', readyExpr: expression }] };
      await delivery.create('chain-judge', { ...judged, namePrefix: 'judged-' });
      await delivery.until('chain-judge', 'DependencyNotReady', /chain-x' not found/);
      const begun = performance.now();
      await delivery.create('chain-x', { ...sourceRef('chain'), path: './x' });
      await delivery.until('chain-y', 'ReconciliationSucceeded');
      expect(performance.now() - begun).toBeLessThan(10_000);
      await delivery.until('chain-judge', 'DependencyNotReady', /readyExpr eval/);
      const chainX = {
        apiVersion: `${domain}/v1`,
        kind: 'Kustomization',
        namespace: delivery.namespace,
        name: 'chain-x',
      };
      await client.patch(chainX, 'merge', { metadata: { annotations: { go: 'yes' } } }, write);
      await delivery.until('chain-judge', 'ReconciliationSucceeded', /Applied/, 10_000);
    });

    test('an expression that can never work ends it', async () => {
      await delivery.create('bad-cel', { ...sourceRef('basic'), dependsOn: [{ name: 'basic', readyExpr: 'dep.x +' }] });
      await delivery.until('bad-cel', 'InvalidCELExpression', /failed terminally/);
      expect((await delivery.condition('bad-cel', 'Stalled'))?.status).toBe('True');
      expect((await delivery.get('bad-cel'))?.status?.observedGeneration).toBe(1);
    });

    test('force makes immutable objects anew, and deletes none for another fault', async () => {
      const secret = (data: string, keys = 'k') =>
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'frozen' },
          immutable: true,
          stringData: { [keys]: data },
        });
      await delivery.commit('force', 'main@sha1:1', { 's.yaml': secret('1') });
      await delivery.create('force', sourceRef('force'));
      await delivery.until('force', 'ReconciliationSucceeded');
      const uid = async () => (await client.get(ref('Secret', 'frozen'), { signal }))?.metadata.uid;
      const first = await uid();
      await delivery.commit('force', 'main@sha1:2', { 's.yaml': secret('2') });
      await delivery.until('force', 'ReconciliationFailed', /dry-run failed \(Invalid\).*immutable/);
      expect(await uid()).toBe(first);
      await delivery.edit('force', { force: true });
      await delivery.until('force', 'ReconciliationSucceeded', /main@sha1:2/);
      const second = await uid();
      expect(second).not.toBe(first);
      await delivery.commit('force', 'main@sha1:3', { 's.yaml': secret('3', 'not a key') });
      await delivery.until('force', 'ReconciliationFailed', /not a key/);
      expect(await uid()).toBe(second);
    });

    test('labels and annotations of objects say how they are treated', async () => {
      const annotated = (mapName: string, data: Record<string, string>, annotations: Record<string, string>) =>
        map(mapName, data, {
          annotations: Object.fromEntries(
            Object.entries(annotations).map(([key, value]) => [`${domain}/${key}`, value]),
          ),
        });
      const files = (value: string) => ({
        'once.yaml': annotated('once', { k: value }, { ssa: 'IfNotPresent' }),
        'merge.yaml': annotated('merge', { k: value }, { ssa: 'Merge' }),
        'off.yaml': annotated('off', { k: value }, { reconcile: 'Disabled' }),
        'kept.yaml': annotated('kept', { k: value }, { prune: 'disabled' }),
      });
      await delivery.commit('controls', 'main@sha1:1', files('1'));
      await delivery.create('controls', sourceRef('controls'));
      await delivery.until('controls', 'ReconciliationSucceeded');
      expect(await delivery.configMap('off')).toBeUndefined();
      await client.patch(ref('ConfigMap', 'merge'), 'merge', { data: { mine: 'x' } }, write);
      await delivery.commit('controls', 'main@sha1:2', files('2'));
      await delivery.until('controls', 'ReconciliationSucceeded', /main@sha1:2/);
      expect(await dataOf('once')).toEqual({ k: '1' });
      expect(await dataOf('merge')).toEqual({ k: '2', mine: 'x' });
      await delivery.commit('controls', 'main@sha1:3', { 'x.yaml': map('controls-x', {}) });
      await delivery.until('controls', 'ReconciliationSucceeded', /main@sha1:3/);
      expect(await delivery.configMap('kept')).toBeDefined();
      expect(await delivery.configMap('once')).toBeUndefined();
    });

    test('ignored fields stay as they are', async () => {
      const files = (k: string, other: string) => ({ 'a.yaml': map('ignored', { k, other }) });
      await delivery.commit('ignore', 'main@sha1:1', files('1', '1'));
      const ignore = [{ paths: ['/data/k'], target: { kind: 'Config.*', name: 'ignored' } }];
      await delivery.create('ignore', { ...sourceRef('ignore'), ignore });
      await delivery.until('ignore', 'ReconciliationSucceeded');
      await client.patch(
        ref('ConfigMap', 'ignored'),
        'merge',
        { data: { k: 'live' } },
        { signal, fieldManager: 'tuner' },
      );
      await delivery.commit('ignore', 'main@sha1:2', files('1', '2'));
      await delivery.until('ignore', 'ReconciliationSucceeded', /main@sha1:2/);
      expect(await dataOf('ignored')).toEqual({ k: 'live', other: '2' });
    });

    test('variables come from the cluster and the spec', async () => {
      const vars = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'vars', namespace: delivery.namespace } };
      await client.create({ ...vars, data: { region: 'eu', size: '1' } }, write);
      await delivery.commit('vars', 'main@sha1:1', {
        'a.yaml': map('templated', { text: '${region}-${size}-${tier:=basic}', literal: '$${x}' }),
      });
      const postBuild = { substituteFrom: [{ kind: 'ConfigMap', name: 'vars' }], substitute: { size: '2' } };
      await delivery.create('vars', { ...sourceRef('vars'), postBuild });
      await delivery.until('vars', 'ReconciliationSucceeded');
      expect(await dataOf('templated')).toEqual({ text: 'eu-2-basic', literal: '${x}' });
      await delivery.edit('vars', { postBuild: { substituteFrom: null } });
      await delivery.until('vars', 'BuildFailed', /post build failed for '.*templated': .*\(strict mode\): "region"/);
    });

    test('acts as a ServiceAccount with its rights alone', async () => {
      const account = {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'tenant', namespace: delivery.namespace },
      };
      await client.create(account, write);
      await delivery.commit('tenant', 'main@sha1:1', { 'a.yaml': map('tenant-map', {}) });
      await delivery.create('tenant', { ...sourceRef('tenant'), serviceAccountName: 'tenant', retryInterval: '1s' });
      await delivery.until('tenant', 'ReconciliationFailed', /system:serviceaccount:.*:tenant" cannot get resource/);
      const rbac = 'rbac.authorization.k8s.io';
      const metadata = { name: 'tenant', namespace: delivery.namespace };
      const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['*'] }];
      await client.create({ apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules }, write);
      const subjects = [{ kind: 'ServiceAccount', name: 'tenant', namespace: delivery.namespace }];
      const roleRef = { apiGroup: rbac, kind: 'Role', name: 'tenant' };
      await client.create({ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata, subjects, roleRef }, write);
      await delivery.until('tenant', 'ReconciliationSucceeded');
    });

    test('an object that moves to another Kustomization stays', async () => {
      await delivery.commit('old', 'main@sha1:1', {
        'a.yaml': map('moving', { k: '1' }),
        'b.yaml': map('staying', {}),
      });
      await delivery.create('old', sourceRef('old'));
      await delivery.until('old', 'ReconciliationSucceeded');
      await delivery.commit('new', 'main@sha1:1', { 'a.yaml': map('moving', { k: '1' }) });
      await delivery.create('new', sourceRef('new'));
      await delivery.until('new', 'ReconciliationSucceeded');
      await delivery.commit('old', 'main@sha1:2', { 'b.yaml': map('staying', {}) });
      await delivery.until('old', 'ReconciliationSucceeded', /main@sha1:2/);
      expect((await delivery.configMap('moving'))?.metadata.labels?.[`${domain}/name`]).toBe('new');
      expect((await delivery.get('old'))?.status?.inventory?.entries).toHaveLength(1);
    });

    const endings = [
      { policy: 'MirrorPrune', prune: true, stays: false },
      { policy: 'MirrorPrune', prune: false, stays: true },
      { policy: 'Delete', prune: false, stays: false },
      { policy: 'WaitForTermination', prune: true, stays: false },
      { policy: 'Orphan', prune: true, stays: true },
    ];
    test.each(endings)('deletion with $policy, prune $prune: stays $stays', async ({ policy, prune, stays }) => {
      const id = `end-${policy}-${prune}`.toLowerCase();
      await delivery.commit(id, 'main@sha1:1', { 'a.yaml': map(id, {}) });
      await delivery.create(id, { ...sourceRef(id), prune, deletionPolicy: policy });
      await delivery.until(id, 'ReconciliationSucceeded');
      await delivery.delete(id);
      await expect.poll(() => delivery.get(id), { timeout: 10_000 }).toBeUndefined();
      expect((await delivery.configMap(id)) !== undefined).toBe(stays);
    });

    test('a suspended one does nothing, and leaves everything when it is deleted', async () => {
      await delivery.commit('idle', 'main@sha1:1', { 'a.yaml': map('idle', { k: '1' }) });
      await delivery.create('idle', sourceRef('idle'));
      await delivery.until('idle', 'ReconciliationSucceeded');
      await delivery.edit('idle', { suspend: true });
      await delivery.commit('idle', 'main@sha1:2', { 'a.yaml': map('idle', { k: '2' }) });
      await delivery.delete('idle');
      await expect.poll(() => delivery.get('idle'), { timeout: 10_000 }).toBeUndefined();
      expect(await dataOf('idle')).toEqual({ k: '1' });
    });

    test('a wait for health gives way to a new revision', async () => {
      const stuck = { apiVersion: 'v1', kind: 'Pod', namespace: delivery.namespace, name: 'never-there' };
      const healthChecks = [{ apiVersion: stuck.apiVersion, kind: stuck.kind, name: stuck.name }];
      await delivery.commit('health', 'main@sha1:1', { 'a.yaml': map('health', { k: '1' }) });
      await delivery.create('health', { ...sourceRef('health'), healthChecks });
      await delivery.until('health', 'Progressing');
      await expect
        .poll(async () => (await delivery.condition('health', 'Healthy'))?.message, { timeout: 10_000 })
        .toMatch(/^Running health checks for revision main@sha1:1 with a timeout of 59m30s$/);
      await delivery.commit('health', 'main@sha1:2', { 'a.yaml': map('health', { k: '2' }) });
      await expect.poll(() => dataOf('health'), { timeout: 10_000 }).toEqual({ k: '2' });
      expect(delivery.events).toContainEqual(
        expect.stringContaining('Health checks canceled due to new reconciliation'),
      );
      await delivery.edit('health', { healthChecks: null });
      await delivery.until('health', 'ReconciliationSucceeded', /main@sha1:2/);
      expect(await delivery.condition('health', 'Healthy')).toBeUndefined();
    });
  });
}

function gadgetDefinition(group: string): KubeObject {
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `gadgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Gadget', listKind: 'GadgetList', plural: 'gadgets', singular: 'gadget' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}
