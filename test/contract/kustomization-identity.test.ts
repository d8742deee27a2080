import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newLifetime } from '../../src/base/deadline.ts';
import type { KustomizationDeps } from '../../src/controllers/kustomization/deps.ts';
import { type ConnectedKubeClient, createKubeClient } from '../../src/kube/api-client.ts';
import type { KubeConfig } from '../../src/kube/config.ts';
import { parseKubeConfig } from '../../src/kube/kubeconfig.ts';
import { type SandboxKubernetes, startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';
import { type Delivery, configMapFile as map, startDelivery } from '../support/delivery.ts';
import { encryptValue, newAgeKey } from '../support/sops.ts';

const { signal } = newLifetime();
const write = { signal, fieldManager: 'test' };
const folders: string[] = [];

interface TestCluster {
  api: SandboxKubernetes;
  config: KubeConfig;
  client: ConnectedKubeClient;
}
let here: TestCluster;
let there: TestCluster;
let delivery: Delivery;

async function startCluster(): Promise<TestCluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-ks-identity-'));
  folders.push(dataDir);
  const api = await startKubernetes({ dataDir, controllers: false });
  const config = await parseKubeConfig(api.kubeconfig(), { where: 'sandbox' });
  return { api, config, client: createKubeClient(config) };
}

beforeAll(async () => {
  [here, there] = await Promise.all([startCluster(), startCluster()]);
  await there.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'apps' } }, write);
});
afterAll(async () => {
  for (const { api, client } of [here, there]) {
    await client.close();
    await api.close();
  }
  for (const dir of folders) await rm(dir, { recursive: true, force: true });
});
afterEach(() => delivery.close());

async function start(deps: Partial<KustomizationDeps> = {}): Promise<void> {
  delivery = await startDelivery({
    client: here.client,
    deps: { connect: (config) => createKubeClient(config, { requestTimeoutMs: 2_000 }), ...deps },
  });
}

const put = (kind: 'Secret' | 'ConfigMap', name: string, content: Record<string, unknown>) =>
  here.client.create({ apiVersion: 'v1', kind, metadata: { name, namespace: delivery.namespace }, ...content }, write);

describe('another cluster', () => {
  const remote = (name: string) =>
    there.client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'apps', name }, { signal });
  const toThere = { kubeConfig: { secretRef: { name: 'there' } }, targetNamespace: 'apps' };

  test('is applied to, pruned and cleared by the kubeconfig of a Secret', async () => {
    await start();
    await put('Secret', 'there', { stringData: { value: there.api.kubeconfig() } });
    await delivery.commit('git', 'main@sha1:1', { 'a.yaml': map('a', {}), 'b.yaml': map('b', {}) });
    await delivery.create('app', toThere);
    await delivery.until('app', 'ReconciliationSucceeded');
    expect(await remote('a')).toBeDefined();
    await delivery.commit('git', 'main@sha1:2', { 'a.yaml': map('a', {}) });
    await delivery.until('app', 'ReconciliationSucceeded', /main@sha1:2/);
    expect(await remote('b')).toBeUndefined();
    await delivery.delete('app');
    await expect.poll(() => delivery.get('app'), { timeout: 10_000 }).toBeUndefined();
    expect(await remote('a')).toBeUndefined();
  });

  test('knows the ServiceAccount to act as by its own rights', async () => {
    await start();
    await put('Secret', 'there', { stringData: { 'my-key': there.api.kubeconfig() } });
    await delivery.commit('git', 'main@sha1:1', { 'a.yaml': map('a', {}) });
    const kubeConfig = { secretRef: { name: 'there', key: 'my-key' } };
    await delivery.create('app', { kubeConfig, targetNamespace: 'apps', serviceAccountName: 'tenant' });
    await delivery.until(
      'app',
      'ReconciliationFailed',
      /User "system:serviceaccount:.*:tenant" cannot get resource "configmaps"/,
    );
  });

  test('a missing, empty or unsafe kubeconfig is named', async () => {
    await start();
    await delivery.commit('git', 'main@sha1:1', { 'a.yaml': map('a', {}) });
    await delivery.create('app', { ...toThere, retryInterval: '500ms' });
    await delivery.until('app', 'ReconciliationFailed', /unable to read KubeConfig secret '.*there': not found/);
    await put('Secret', 'there', { stringData: { other: 'x' } });
    await delivery.until('app', 'ReconciliationFailed', /it has neither a key 'value' nor 'value.yaml'/);
    const program = there.api
      .kubeconfig()
      .replace(/token: .*/, 'exec: {apiVersion: client.authentication.k8s.io/v1, command: id}');
    const secret = { apiVersion: 'v1', kind: 'Secret', namespace: delivery.namespace, name: 'there' };
    await here.client.patch(secret, 'merge', { stringData: { value: program } }, write);
    await delivery.until('app', 'ReconciliationFailed', /credential plugins \(exec\) are not allowed here/);
  });

  test('a cluster that does not answer holds up nobody else', async () => {
    await start({ concurrency: 1 });
    const config = there.api.kubeconfig().replace(/server: .*/, 'server: https://127.0.0.1:1');
    await put('Secret', 'there', { stringData: { value: config } });
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`m${i}.yaml`, map(`m${i}`, {})]));
    await delivery.commit('git', 'main@sha1:1', files);
    await delivery.create('stuck', toThere);
    await delivery.create('free');
    await delivery.until('free', 'ReconciliationSucceeded', /Applied/, 5_000);
    await delivery.until('stuck', 'ReconciliationFailed', /ECONNREFUSED/);
  });

  test('takes the token of a ServiceAccount, and a new one before it ends', async () => {
    await start({ gates: { objectLevelWorkloadIdentity: true } });
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'deployer', namespace: delivery.namespace },
    };
    await here.client.create(account, write);
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: `deployer-${delivery.namespace}` },
      subjects: [{ kind: 'ServiceAccount', name: 'deployer', namespace: delivery.namespace }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    };
    await here.client.create(binding, write);
    const data = {
      provider: 'generic',
      address: here.config.server,
      'ca.crt': here.api.caPem,
      serviceAccountName: 'deployer',
      audiences: here.api.issuer,
    };
    await put('ConfigMap', 'cluster', { data });
    await delivery.commit('git', 'main@sha1:1', { 'a.yaml': map('a', {}) });
    await delivery.create('app', { kubeConfig: { configMapRef: { name: 'cluster' } } });
    await delivery.until('app', 'ReconciliationSucceeded');
    expect(await delivery.configMap('a')).toBeDefined();
  });

  test('a provider that is not known is named', async () => {
    await start();
    await put('ConfigMap', 'cluster', { data: { provider: 'moon' } });
    await delivery.commit('git', 'main@sha1:1', { 'a.yaml': map('a', {}) });
    await delivery.create('app', { kubeConfig: { configMapRef: { name: 'cluster' } } });
    await delivery.until('app', 'ReconciliationFailed', /the key provider is 'moon'/);
  });
});

describe('lock-down', () => {
  test('a source of another namespace is out of reach', async () => {
    await start({ noCrossNamespaceRefs: true });
    const sourceRef = { kind: 'GitRepository', name: 'git', namespace: 'default' };
    await delivery.create('app', { sourceRef });
    await delivery.until(
      'app',
      'AccessDenied',
      /can't access 'GitRepository\/default\/git', cross-namespace references have been blocked/,
    );
    expect((await delivery.condition('app', 'Stalled'))?.reason).toBe('AccessDenied');
  });

  test('whoever names no ServiceAccount acts as the default one', async () => {
    await start({ defaultServiceAccount: 'nobody' });
    await delivery.commit('git', 'main@sha1:1', { 'a.yaml': map('a', {}) });
    await delivery.create('app');
    await delivery.until('app', 'ReconciliationFailed', /User "system:serviceaccount:.*:nobody" cannot get/);
  });

  test('gates that are shut say so', async () => {
    await start();
    await delivery.commit('git', 'main@sha1:1', { 'a.yaml': map('a', {}) });
    await delivery.create('keys', { decryption: { provider: 'sops', serviceAccountName: 'x' } });
    await delivery.until('keys', 'FeatureGateDisabled', /ObjectLevelWorkloadIdentity/);
    await delivery.create('external', { sourceRef: { kind: 'ExternalArtifact', name: 'x' } });
    await delivery.until('external', 'AccessDenied', /ExternalArtifact feature gate is disabled/);
  });

  test('a base on another server is not fetched', async () => {
    await start();
    const resources = ['https://github.com/example/base?ref=main'];
    await delivery.commit('git', 'main@sha1:1', { 'kustomization.yaml': dump({ resources }) });
    await delivery.create('app');
    await delivery.until(
      'app',
      'BuildFailed',
      /the remote resource 'https:\/\/github.com\/example\/base\?ref=main' is not loaded/,
    );
  });
});

describe('secrets', () => {
  async function sealedSecret() {
    const dataKey = randomBytes(32);
    const age = await newAgeKey();
    const sops = {
      age: [await age.wrap(dataKey)],
      mac: 'ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]',
      lastmodified: '2026-01-01T00:00:00Z',
      version: '3.11.0',
    };
    const stringData = { password: encryptValue('hunter2', dataKey, ['stringData', 'password']) };
    const text = dump({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'sealed' }, stringData, sops });
    return { text, identity: age.identity };
  }
  const passwordOf = async (name = 'sealed') => {
    const secret = { apiVersion: 'v1', kind: 'Secret', namespace: delivery.namespace, name };
    const data = (await here.client.get(secret, { signal }))?.['data'] as Record<string, string> | undefined;
    return Buffer.from(data?.['password'] ?? '', 'base64').toString();
  };

  test('are decrypted with the key of a Secret; without one they never reach the cluster', async () => {
    await start();
    const { text, identity } = await sealedSecret();
    await delivery.commit('git', 'main@sha1:1', { 'secret.yaml': text });
    await delivery.create('app');
    await delivery.until('app', 'ReconciliationFailed', /sealed is SOPS encrypted, configuring decryption is required/);
    await put('Secret', 'keys', { stringData: { 'x.agekey': identity } });
    await delivery.edit('app', { decryption: { provider: 'sops', secretRef: { name: 'keys' } } });
    await delivery.until('app', 'ReconciliationSucceeded');
    expect(await passwordOf()).toBe('hunter2');
  });

  test('the common key serves who has none of its own', async () => {
    const { text, identity } = await sealedSecret();
    const name = `common-${randomBytes(3).toString('hex')}`;
    const metadata = { name, namespace: 'default' };
    await here.client.create(
      { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { 'x.agekey': identity } },
      write,
    );
    await start({ sopsAgeSecret: metadata });
    await delivery.commit('git', 'main@sha1:1', { 'secret.yaml': text });
    await delivery.create('app', { decryption: { provider: 'sops' } });
    await delivery.until('app', 'ReconciliationSucceeded');
    expect(await passwordOf()).toBe('hunter2');
  });

  test('files of generators in folders and components that only the spec leads to', async () => {
    await start();
    const dataKey = randomBytes(32);
    const age = await newAgeKey();
    const wrapped = await age.wrap(dataKey);
    const sealedEnv = (value: string) =>
      [
        `password=${encryptValue(value, dataKey, ['password'])}`,
        `sops_age__list_0__map_recipient=${wrapped.recipient}`,
        `sops_age__list_0__map_enc=${wrapped.enc.trim().replaceAll('\n', '\\n')}`,
        'sops_mac=ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]',
      ].join('\n');
    const generator = (name: string) => ({
      secretGenerator: [{ name, envs: ['secret.env'], options: { disableNameSuffixHash: true } }],
    });
    const component = { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component', ...generator('sealed-2') };
    await put('Secret', 'keys', { stringData: { 'x.agekey': age.identity } });
    await delivery.commit('git', 'main@sha1:1', {
      'apps/one/kustomization.yaml': dump(generator('sealed')),
      'apps/one/secret.env': sealedEnv('hunter2'),
      'component/kustomization.yaml': dump(component),
      'component/secret.env': sealedEnv('hunter3'),
    });
    const decryption = { provider: 'sops', secretRef: { name: 'keys' } };
    await delivery.create('app', { path: 'apps', components: ['../component'], decryption });
    await delivery.until('app', 'ReconciliationSucceeded');
    expect(await passwordOf()).toBe('hunter2');
    expect(await passwordOf('sealed-2')).toBe('hunter3');
  });

  test('a key that does not fit is a failed build that shows no secret', async () => {
    await start();
    const { text } = await sealedSecret();
    const { identity } = await newAgeKey();
    await put('Secret', 'keys', { stringData: { 'x.agekey': identity } });
    await delivery.commit('git', 'main@sha1:1', { 'secret.yaml': text });
    await delivery.create('app', { decryption: { provider: 'sops', secretRef: { name: 'keys' } } });
    const { message } = await delivery.until(
      'app',
      'BuildFailed',
      /decryption failed for '.*sealed': .*cannot get sops data key/,
    );
    expect(message).not.toContain(identity);
  });
});
