import { describe, expect, test } from 'vitest';
import type { FluxInstance } from '../../../api/flux-instance.ts';
import { valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { settingsOf } from '../settings.ts';
import { renderInstance } from './render.ts';

type Spec = Partial<FluxInstance['spec']>;

/** As the API server hands out an instance whose spec has these fields. */
function render(spec: Spec = {}) {
  const object = {
    apiVersion: 'fluxcd.controlplane.io/v1',
    kind: 'FluxInstance',
    metadata: { name: 'flux', namespace: 'flux-system' },
    spec: {
      distribution: { version: '2.x', registry: 'ghcr.io/fluxcd' },
      components: [
        'source-controller',
        'kustomize-controller',
        'image-reflector-controller',
        'image-automation-controller',
      ],
      wait: true,
      migrateResources: true,
      ...spec,
    },
  } as FluxInstance;
  return renderInstance(settingsOf(object), 'registry.example/millrace:1.0.0');
}

const cluster = (fields: Partial<NonNullable<Spec['cluster']>>) => ({
  cluster: {
    type: 'kubernetes' as const,
    domain: 'cluster.local',
    networkPolicy: true,
    multitenant: false,
    tenantDefaultServiceAccount: 'default',
    objectLevelWorkloadIdentity: false,
    multitenantWorkloadIdentity: false,
    tenantDefaultDecryptionServiceAccount: 'default',
    tenantDefaultKubeConfigServiceAccount: 'default',
    ...fields,
  },
});

const find = (objects: readonly KubeObject[], kind: string, name: string) =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);
const names = (objects: readonly KubeObject[], kind: string) =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);
const container = (deployment: KubeObject | undefined) =>
  (valueAt(deployment, 'spec', 'template', 'spec', 'containers') as Record<string, unknown>[])[0] ?? {};
const argsOf = (objects: readonly KubeObject[], name: string) =>
  container(find(objects, 'Deployment', name))['args'] as string[];

test('only the source-controller that serves artifacts is ready, and there are never two of them', () => {
  const { objects } = render({ sharding: { shards: ['a'], key: 'k' } });
  for (const name of ['source-controller', 'source-controller-a']) {
    const deployment = find(objects, 'Deployment', name);
    expect(container(deployment)['readinessProbe']).toEqual({ tcpSocket: { port: 'http' } });
    expect(valueAt(deployment, 'spec', 'strategy', 'type')).toBe('Recreate');
    expect(valueAt(find(objects, 'Service', name), 'spec', 'selector')).toEqual({ app: name });
  }
  const other = find(objects, 'Deployment', 'kustomize-controller');
  expect(container(other)['readinessProbe']).toEqual({ httpGet: { path: '/readyz', port: 'healthz' } });
});

describe('marks', () => {
  test('every object is labelled with its installation and left alone by Kustomizations; pods are not', () => {
    const { objects } = render({
      commonMetadata: { labels: { team: 'a', 'app.kubernetes.io/part-of': 'us' }, annotations: { note: 'x' } },
    });
    for (const { kind, metadata } of objects) {
      expect(metadata.labels, `${kind}/${metadata.name}`).toMatchObject({
        'app.kubernetes.io/managed-by': 'flux-operator',
        'app.kubernetes.io/instance': 'flux-system',
        'app.kubernetes.io/part-of': 'us',
        'fluxcd.controlplane.io/name': 'flux',
        'fluxcd.controlplane.io/namespace': 'flux-system',
        team: 'a',
      });
      expect(metadata.annotations).toMatchObject({
        'kustomize.toolkit.fluxcd.io/ssa': 'Ignore',
        'kustomize.toolkit.fluxcd.io/prune': 'Disabled',
        note: 'x',
      });
    }
    const template = valueAt(find(objects, 'Deployment', 'source-controller'), 'spec', 'template', 'metadata');
    expect(template).toEqual({
      labels: { app: 'source-controller', 'app.kubernetes.io/part-of': 'flux' },
      annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' },
    });
  });
  test('namespaced objects stand in the namespace, cluster-wide ones carry it in their name', () => {
    const { objects } = render();
    expect(find(objects, 'ServiceAccount', 'source-controller')?.metadata.namespace).toBe('flux-system');
    expect(names(objects, 'ClusterRole').every((name) => name.endsWith('-flux-system'))).toBe(true);
    expect(find(objects, 'ClusterRole', 'source-controller-flux-system')?.metadata.namespace).toBeUndefined();
  });
});

describe('components', () => {
  test('only those that are asked for come, with their definitions', () => {
    const { objects } = render({ components: ['source-controller', 'image-reflector-controller'] });
    expect(names(objects, 'Deployment')).toEqual(['source-controller', 'image-reflector-controller']);
    expect(names(objects, 'CustomResourceDefinition').some((name) => name.startsWith('kustomizations.'))).toBe(false);
    expect(find(objects, 'ClusterRoleBinding', 'cluster-reconciler-flux-system')).toBeUndefined();
  });
  test('nothing to install is refused', () => {
    expect(() => render({ components: ['helm-controller'] })).toThrow('no components defined');
  });
  test('only the scanner may issue tokens, of its own ServiceAccount', () => {
    const { objects } = render();
    expect(names(objects, 'Role')).toEqual(['image-reflector-controller-tokens']);
    expect(find(objects, 'Role', 'image-reflector-controller-tokens')?.['rules']).toEqual([
      {
        apiGroups: [''],
        resources: ['serviceaccounts/token'],
        resourceNames: ['image-reflector-controller'],
        verbs: ['create'],
      },
    ]);
  });
  test('rights are those of the own kinds: the scanner does not write sources', () => {
    const { objects } = render();
    const rules = find(objects, 'ClusterRole', 'image-reflector-controller-flux-system')?.['rules'] as {
      apiGroups: string[];
    }[];
    expect(rules.flatMap(({ apiGroups }) => apiGroups)).not.toContain('source.toolkit.fluxcd.io');
  });
});

describe('profiles', () => {
  test.each([
    [
      'small',
      'kustomize-controller',
      ['--concurrent=5', '--requeue-dependency=10s'],
      { cpu: '1000m', memory: '512Mi' },
    ],
    ['medium', 'source-controller', ['--concurrent=5'], { cpu: '2000m', memory: '1Gi' }],
    ['large', 'kustomize-controller', ['--concurrent=20', '--requeue-dependency=5s'], { cpu: '3000m', memory: '3Gi' }],
    ['large', 'image-reflector-controller', [], { cpu: '1000m', memory: '1Gi' }],
  ])('%s %s', (size, name, args, limits) => {
    const { objects } = render(cluster({ size: size as 'small' }));
    expect(argsOf(objects, name)).toEqual(expect.arrayContaining(args));
    expect(valueAt(container(find(objects, 'Deployment', name)), 'resources', 'limits')).toEqual(limits);
  });
  test('multi-tenant lock-down reaches every controller that it concerns, and the synchronisation', () => {
    const sync = {
      kind: 'GitRepository' as const,
      url: 'https://x.example/r.git',
      ref: 'refs/heads/main',
      path: 'c',
      interval: '1m',
    };
    const { objects } = render({ ...cluster({ multitenant: true, tenantDefaultServiceAccount: 'tenant' }), sync });
    expect(argsOf(objects, 'kustomize-controller')).toEqual(
      expect.arrayContaining([
        '--no-cross-namespace-refs=true',
        '--no-remote-bases=true',
        '--default-service-account=tenant',
      ]),
    );
    expect(argsOf(objects, 'image-automation-controller')).toContain('--no-cross-namespace-refs=true');
    expect(argsOf(objects, 'source-controller')).not.toContain('--no-cross-namespace-refs=true');
    expect(valueAt(find(objects, 'Kustomization', 'flux-system'), 'spec', 'serviceAccountName')).toBe(
      'kustomize-controller',
    );
  });
  test('OpenShift sets users and seccomp itself', () => {
    const { objects } = render(cluster({ type: 'openshift' }));
    const manager = container(find(objects, 'Deployment', 'source-controller'));
    expect(manager['securityContext']).not.toHaveProperty('runAsNonRoot');
    expect(find(objects, 'Namespace', 'flux-system')?.metadata.labels).not.toHaveProperty(
      'pod-security.kubernetes.io/warn',
    );
  });
  test('network policies can be left out', () => {
    expect(names(render(cluster({ networkPolicy: false })).objects, 'NetworkPolicy')).toEqual([]);
    expect(names(render().objects, 'NetworkPolicy')).toEqual(['allow-egress', 'allow-scraping', 'allow-webhooks']);
  });
});

describe('storage, shards, synchronisation', () => {
  test('a claim takes the place of the empty folder', () => {
    const { objects } = render({ storage: { class: 'gp3', size: '10Gi' } });
    expect(valueAt(find(objects, 'PersistentVolumeClaim', 'source-controller'), 'spec', 'storageClassName')).toBe(
      'gp3',
    );
    expect(container(find(objects, 'Deployment', 'source-controller'))['volumeMounts']).toContainEqual({
      name: 'persistent-data',
      mountPath: '/data',
    });
  });
  test('shards have Deployments of their own and share the ServiceAccounts', () => {
    const { objects } = render({ sharding: { key: 'shard', shards: ['one'] } });
    expect(argsOf(objects, 'source-controller')).toContain('--watch-label-selector=!shard');
    expect(argsOf(objects, 'source-controller-one')).toEqual(
      expect.arrayContaining([
        '--watch-label-selector=shard=one',
        '--storage-adv-addr=source-controller-one.$(RUNTIME_NAMESPACE).svc.cluster.local.',
      ]),
    );
    const account = valueAt(
      find(objects, 'Deployment', 'source-controller-one'),
      'spec',
      'template',
      'spec',
      'serviceAccountName',
    );
    expect(account).toBe('source-controller');
    expect(names(objects, 'ServiceAccount')).toHaveLength(4);
  });
  test.each([
    [
      'GitRepository',
      'https://x.example/r.git',
      'refs/heads/main',
      { url: 'https://x.example/r.git', ref: { name: 'refs/heads/main' } },
    ],
    ['OCIRepository', 'oci://x.example/r', 'latest', { url: 'oci://x.example/r', ref: { tag: 'latest' } }],
    ['Bucket', 's3.example', 'fleet', { endpoint: 's3.example', bucketName: 'fleet' }],
  ] as const)('%s', (kind, url, ref, want) => {
    const { objects } = render({
      sync: { kind, url, ref, path: 'clusters/a', interval: '1m', pullSecret: 'auth', provider: 'aws' },
    });
    expect(find(objects, kind, 'flux-system')?.['spec']).toEqual({
      interval: '1m',
      ...want,
      secretRef: { name: 'auth' },
      provider: 'aws',
    });
    expect(find(objects, 'Kustomization', 'flux-system')?.['spec']).toEqual({
      interval: '10m0s',
      path: 'clusters/a',
      prune: true,
      sourceRef: { kind, name: 'flux-system' },
    });
  });
});

describe("the user's patches", () => {
  const role = 'arn:aws:iam::111122223333:role/ecr';
  const annotate = (target: Record<string, string>) => ({
    kustomize: {
      patches: [
        {
          target,
          patch: `apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: any\n  annotations:\n    eks.amazonaws.com/role-arn: ${role}\n`,
        },
      ],
    },
  });
  test('annotate the ServiceAccount of the scanner and change the revision', () => {
    const { objects, revision, idlePatches } = render(
      annotate({ kind: 'ServiceAccount', name: 'image-reflector-controller' }),
    );
    expect(find(objects, 'ServiceAccount', 'image-reflector-controller')?.metadata.annotations).toMatchObject({
      'eks.amazonaws.com/role-arn': role,
    });
    expect(idlePatches).toEqual([]);
    expect(revision).toMatch(/^v2\.\d+\.\d+@sha256:[0-9a-f]{64}$/);
    expect(revision).not.toBe(render().revision);
    expect(render().revision).toBe(render().revision);
  });
  test('win over every built-in argument', () => {
    const patch = '- op: replace\n  path: /spec/template/spec/containers/0/args/3\n  value: --log-level=debug\n';
    const target = { kind: 'Deployment', name: '(source|kustomize)-controller' };
    const { objects } = render({ kustomize: { patches: [{ patch, target }] } });
    expect(argsOf(objects, 'source-controller')).toContain('--log-level=debug');
    expect(argsOf(objects, 'image-reflector-controller')).toContain('--log-level=info');
  });
  test('that match nothing are named', () => {
    const { idlePatches } = render(
      annotate({ kind: 'ServiceAccount', name: 'image-reflector-controller', namespace: 'flux-system' }),
    );
    expect(idlePatches).toEqual([
      'spec.kustomize.patches[0] (ServiceAccount/image-reflector-controller) matches no object; leave target.namespace out, manifests have none yet',
    ]);
  });
});
