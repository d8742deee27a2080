import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SandboxKubernetes, startKubernetes } from './kubernetes.ts';

let dir: string;
let server: SandboxKubernetes;
let dispatcher: Agent;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-kubernetes-'));
  server = await startKubernetes({
    dataDir: dir,
    pullImage: async (image) => {
      if (image.includes('missing')) throw new Error(`${image}: not found`);
      return { digest: `sha256:${'1'.repeat(64)}` };
    },
  });
  dispatcher = new Agent({ connect: { ca: server.caPem } });
});
afterAll(async () => {
  await dispatcher.destroy();
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Answer {
  code: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of any kind, looked into by the tests
  body: any;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  { type = 'application/json', headers = {} }: { type?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(server.url + path, {
    method,
    dispatcher,
    headers: {
      authorization: `Bearer ${server.adminToken}`,
      ...(body !== undefined && { 'content-type': type }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { code: response.status, body: text.startsWith('{') && !text.includes('\n{') ? JSON.parse(text) : text };
}

const deployment = (name: string, image: string, replicas = 2) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image }] } },
  },
});

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const podsOf = async (name: string) =>
  (await ask('GET', `/api/v1/namespaces/default/pods?labelSelector=app%3D${name}`)).body.items;

describe('quotas', () => {
  test('refuse what goes past them, name what is used, and hold Deployments back until they are raised', async () => {
    const place = '/api/v1/namespaces/limited';
    await ask('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'limited' } });
    const hard = { 'count/configmaps': '2', pods: '1', 'requests.memory': '1Gi' };
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'small' }, spec: { hard } };
    await ask('POST', `${place}/resourcequotas`, quota);
    const used = async () => (await ask('GET', `${place}/resourcequotas/small`)).body.status?.used;
    // Every namespace has the certificate authority as a ConfigMap.
    await expect.poll(used).toEqual({ 'count/configmaps': '1', pods: '0', 'requests.memory': '0' });
    const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
    expect((await ask('POST', `${place}/configmaps`, configMap('a'))).code).toBe(201);
    const refused = await ask('POST', `${place}/configmaps`, configMap('b'));
    expect([refused.code, refused.body.message]).toEqual([
      403,
      'configmaps "b" is forbidden: exceeded quota: small, requested: count/configmaps=1, used: count/configmaps=2, limited: count/configmaps=2',
    ]);

    const sized = structuredClone(deployment('web', 'web:1'));
    Object.assign(sized.spec.template.spec.containers[0] ?? {}, { resources: { requests: { memory: '100Mi' } } });
    const path = '/apis/apps/v1/namespaces/limited/deployments';
    await ask('POST', path, sized);
    const failure = async () =>
      (await ask('GET', `${path}/web`)).body.status?.conditions?.find(
        ({ type }: { type: string }) => type === 'ReplicaFailure',
      )?.message;
    await expect.poll(failure).toMatch(/exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1$/);
    await ask(
      'PATCH',
      `${place}/resourcequotas/small`,
      { spec: { hard: { pods: '5' } } },
      { type: 'application/merge-patch+json' },
    );
    await expect.poll(async () => (await ask('GET', `${path}/web`)).body.status?.readyReplicas).toBe(2);
    expect(await failure()).toBeUndefined();
    const silent = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    };
    expect((await ask('POST', `${place}/pods`, silent)).body.message).toBe(
      'pods "p" is forbidden: failed quota: small: must specify requests.memory for: c',
    );
  });
});

describe('workloads', () => {
  test('a Deployment becomes available, rolls out a change, and takes its pods along when it goes', async () => {
    await ask('POST', deployments, deployment('web', 'web:1'));
    const ready = async () => (await ask('GET', `${deployments}/web`)).body.status?.readyReplicas;
    await expect.poll(ready).toBe(2);
    await ask('PATCH', `${deployments}/web`, deployment('web', 'web:2'), { type: 'application/merge-patch+json' });
    const images = async () => {
      const pods = await podsOf('web');
      return pods.map((pod: never) => pod['spec']['containers'][0]['image']);
    };
    await expect.poll(images).toEqual(['web:2', 'web:2']);
    await ask('DELETE', `${deployments}/web?propagationPolicy=Foreground`);
    await expect.poll(async () => (await ask('GET', `${deployments}/web`)).code).toBe(404);
    expect(await podsOf('web')).toEqual([]);
  });

  test('an image that cannot be pulled is reported by the pod', async () => {
    await ask('POST', deployments, deployment('broken', 'missing:1', 1));
    const waiting = async () => (await podsOf('broken'))[0]?.status?.containerStatuses?.[0]?.state?.waiting?.reason;
    await expect.poll(waiting).toBe('ImagePullBackOff');
    const events = await ask('GET', '/api/v1/namespaces/default/events?fieldSelector=reason%3DFailed');
    expect(events.body.items.map(({ message }: { message: string }) => message)).toContain('Error: ErrImagePull');
  });

  test('a Job completes', async () => {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'once:1' }] } };
    const jobs = '/apis/batch/v1/namespaces/default/jobs';
    await ask('POST', jobs, { metadata: { name: 'once' }, spec: { template } });
    const types = async () =>
      (await ask('GET', `${jobs}/once`)).body.status?.conditions?.map(({ type }: { type: string }) => type);
    await expect.poll(types).toContain('Complete');
  });

  test('a pod of an annotated ServiceAccount is told its role', async () => {
    const annotations = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::000000000000:role/r' };
    await ask('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'irsa', annotations } });
    const spec = { serviceAccountName: 'irsa', containers: [{ name: 'main', image: 'x:1' }] };
    const { body } = await ask('POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'irsa' }, spec });
    expect(body.spec.containers[0].env).toContainEqual({
      name: 'AWS_ROLE_ARN',
      value: annotations['eks.amazonaws.com/role-arn'],
    });
    expect(body.spec.volumes[0]).toMatchObject({ name: 'aws-iam-token' });
  });
});

describe('the life of objects', () => {
  test('a namespace goes with what is in it, but not before its finalizers', async () => {
    await ask('POST', '/api/v1/namespaces', { metadata: { name: 'going' } });
    const maps = '/api/v1/namespaces/going/configmaps';
    await ask('POST', maps, { metadata: { name: 'held', finalizers: ['example.com/held'] } });
    await ask('DELETE', '/api/v1/namespaces/going');
    expect((await ask('GET', '/api/v1/namespaces/going')).body.status.phase).toBe('Terminating');
    expect((await ask('POST', maps, { metadata: { name: 'late' } })).code).toBe(403);
    const free = { metadata: { finalizers: null } };
    await ask('PATCH', `${maps}/held`, free, { type: 'application/merge-patch+json' });
    await expect.poll(async () => (await ask('GET', '/api/v1/namespaces/going')).code).toBe(404);
  });

  test('what an owner leaves behind goes, unless it is orphaned', async () => {
    const maps = '/api/v1/namespaces/default/configmaps';
    for (const policy of ['Background', 'Orphan']) {
      const { body: owner } = await ask('POST', maps, { metadata: { name: `owner-${policy.toLowerCase()}` } });
      const { name, uid } = owner.metadata;
      const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid }];
      await ask('POST', maps, { metadata: { name: `${name}-owned`, ownerReferences } });
      await ask('DELETE', `${maps}/${name}?propagationPolicy=${policy}`);
      const expected = policy === 'Orphan' ? 200 : 404;
      await expect.poll(async () => (await ask('GET', `${maps}/${name}`)).code).toBe(404);
      await expect.poll(async () => (await ask('GET', `${maps}/${name}-owned`)).code).toBe(expected);
    }
  });

  test('a watch from a forgotten version is told so', async () => {
    const maps = '/api/v1/namespaces/default/configmaps';
    const { body } = await ask('POST', maps, { metadata: { name: 'watched' } });
    const from = body.metadata.resourceVersion;
    await ask('DELETE', `${maps}/watched`);
    server.compact();
    const watch = await ask('GET', `${maps}?watch=true&resourceVersion=${from}`);
    expect(watch).toMatchObject({ code: 200, body: { type: 'ERROR', object: { code: 410, reason: 'Expired' } } });
  });

  test('a namespace without a name is refused, not called undefined', async () => {
    const { body } = await ask('POST', '/api/v1/namespaces', { metadata: {} });
    expect(body.message).toBe(
      'Namespace "" is invalid: metadata.name: Required value: name or generateName is required',
    );
  });
});

describe('custom kinds', () => {
  const kinds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const things = '/apis/example.com/v1/namespaces/default/things';
  const spec = {
    type: 'object',
    properties: { size: { type: 'integer', default: 1 }, name: { type: 'string' } },
    'x-kubernetes-validations': [{ rule: '!has(oldSelf.name) || self.name == oldSelf.name', message: 'name stays' }],
  };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };

  test('are served, defaulted, pruned and checked by their rules, and go with their definition', async () => {
    await ask('POST', kinds, {
      metadata: { name: 'things.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'things', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    });
    await expect.poll(async () => (await ask('GET', things)).code).toBe(200);
    const thing = {
      apiVersion: 'example.com/v1',
      kind: 'Thing',
      metadata: { name: 'a' },
      spec: { name: 'x', other: 1 },
    };
    expect((await ask('POST', things, thing)).body.spec).toEqual({ name: 'x', size: 1 });
    const change = { spec: { name: 'y' } };
    const refused = await ask('PATCH', `${things}/a`, change, { type: 'application/merge-patch+json' });
    expect(refused.body.message).toBe('Thing.example.com "a" is invalid: spec: Invalid value: "object": name stays');
    await ask('DELETE', `${kinds}/things.example.com`);
    await expect.poll(async () => (await ask('GET', things)).code).toBe(404);
  });
});

test('a webhook may deny, and is asked again only where it wants to be', async () => {
  const hook = createServer((request, response) => {
    request.resume().on('end', () => {
      const status = { message: 'not today', code: 403, reason: 'Forbidden' };
      response.end(JSON.stringify({ response: { allowed: false, status } }));
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', () => resolve()));
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
  const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'] }];
  const webhook = {
    name: 'deny.example.com',
    clientConfig: { url },
    rules,
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
  const configurations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  await ask('POST', configurations, { metadata: { name: 'deny' }, webhooks: [webhook] });
  const secret = await ask('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 'denied' } });
  expect(secret).toMatchObject({
    code: 403,
    body: { reason: 'Forbidden', message: 'admission webhook "deny.example.com" denied the request: not today' },
  });
  expect((await ask('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'let-in' } })).code).toBe(201);
  await new Promise((resolve) => hook.close(resolve));
  const unreachable = await ask('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 'denied' } });
  expect(unreachable.body.message).toContain('failed calling webhook "deny.example.com"');
  await ask('DELETE', `${configurations}/deny`);
});

describe('access', () => {
  const asBob = { headers: { 'impersonate-user': 'bob' } };

  test('nobody may do more than their roles say', async () => {
    const maps = '/api/v1/namespaces/default/configmaps';
    expect((await ask('GET', maps, undefined, asBob)).body.message).toBe(
      'configmaps is forbidden: User "bob" cannot list resource "configmaps" in API group "" in the namespace "default"',
    );
    await ask('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
      metadata: { name: 'bob-views' },
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', name: 'bob' }],
    });
    expect((await ask('GET', maps, undefined, asBob)).code).toBe(200);
    expect((await ask('GET', '/api/v1/namespaces/default/secrets', undefined, asBob)).code).toBe(403);
    expect((await ask('GET', '/api/v1/configmaps', undefined, asBob)).code).toBe(403);
  });

  test('a token is its ServiceAccount until that is gone', async () => {
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    await ask('POST', accounts, { metadata: { name: 'robot' } });
    const { body } = await ask('POST', `${accounts}/robot/token`, { spec: {} });
    const headers = { authorization: `Bearer ${body.status.token}` };
    const whoAmI = () => ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, { headers });
    expect((await whoAmI()).body.status.userInfo.username).toBe('system:serviceaccount:default:robot');
    await ask('DELETE', `${accounts}/robot`);
    expect((await whoAmI()).code).toBe(401);
  });
});
