import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SandboxKubernetes, startKubernetes } from './kubernetes.ts';

const hasKubectl = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [{ name: web, image: "example.com/web:1" }]
`;

describe.skipIf(!hasKubectl)('kubectl against the embedded API', () => {
  let folder: string;
  let server: SandboxKubernetes;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-kubectl-'));
    server = await startKubernetes({ dataDir: folder });
    await writeFile(join(folder, 'kubeconfig'), server.kubeconfig());
    await writeFile(join(folder, 'web.yaml'), deployment);
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  // kubectl is a process of its own, so the server in this one has to be free to answer it.
  async function kubectl(...args: string[]): Promise<{ code: number; out: string }> {
    return new Promise((resolve) => {
      const child = spawn('kubectl', [
        '--kubeconfig',
        join(folder, 'kubeconfig'),
        '--cache-dir',
        join(folder, 'cache'),
        ...args,
      ]);
      let out = '';
      child.stdout.on('data', (chunk) => {
        out += String(chunk);
      });
      child.stderr.on('data', (chunk) => {
        out += String(chunk);
      });
      child.on('close', (code) => resolve({ code: code ?? 1, out }));
    });
  }

  test('apply, roll out, get, describe, delete', async () => {
    const file = join(folder, 'web.yaml');
    expect(await kubectl('apply', '-f', file)).toMatchObject({
      code: 0,
      out: expect.stringContaining('deployment.apps/web created'),
    });
    expect(await kubectl('rollout', 'status', 'deployment/web', '--timeout=20s')).toMatchObject({ code: 0 });
    expect((await kubectl('apply', '-f', file)).out).toContain('unchanged');
    expect((await kubectl('apply', '--server-side', '--force-conflicts', '-f', file)).out).toContain(
      'serverside-applied',
    );
    expect((await kubectl('diff', '-f', file)).code).toBe(0);
    expect((await kubectl('get', 'deploy,pods', '-o', 'wide')).out).toMatch(/web\s+2\/2\s+2\s+2/);
    expect((await kubectl('describe', 'deployment', 'web')).out).toContain('NewReplicaSetAvailable');
    expect((await kubectl('scale', 'deployment', 'web', '--replicas=1')).out).toContain('scaled');
    expect((await kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=20s')).code).toBe(0);
    expect((await kubectl('delete', 'deployment', 'web', '--wait', '--timeout=20s')).out).toContain('deleted');
    expect((await kubectl('get', 'deployment', 'web')).out).toContain('NotFound');
  });

  test('explain, api-resources, auth, tokens; logs are refused clearly', async () => {
    expect((await kubectl('explain', 'deployment.spec.replicas')).out).toContain('replicas');
    expect((await kubectl('api-resources')).out).toContain('deployments');
    expect((await kubectl('auth', 'can-i', 'create', 'pods')).out).toContain('yes');
    expect((await kubectl('auth', 'can-i', 'create', 'pods', '--as', 'nobody')).out).toContain('no');
    expect(
      (await kubectl('create', 'token', 'default', '--audience', 'sts.amazonaws.com')).out.trim().split('.'),
    ).toHaveLength(3);
    await kubectl('run', 'one', '--image=example.com/one:1');
    expect((await kubectl('logs', 'one')).out).toMatch(/no containers|no logs/);
  });

  test('create commands, whose bodies are protobuf', async () => {
    for (const command of [
      'create deployment made --image=x:1',
      'create job made --image=x:1',
      'create role made --verb=get --resource=pods',
      'create service clusterip made --tcp=80:8080',
      'create ingress made --rule=a.io/*=made:80',
    ]) {
      expect(await kubectl(...command.split(' '))).toMatchObject({ code: 0, out: expect.stringContaining('created') });
    }
    const path = 'jsonpath={.spec.ports[0].targetPort}';
    expect((await kubectl('get', 'service', 'made', '-o', path)).out).toBe('8080');
  });

  test('the object survives a restart on the same folder', async () => {
    await kubectl('create', 'configmap', 'kept', '--from-literal=a=b');
    const port = Number(new URL(server.url).port);
    await server.close();
    server = await startKubernetes({ dataDir: folder, port });
    expect((await kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}')).out).toBe('b');
  });
});
