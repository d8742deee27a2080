import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newLifetime } from '../../src/base/deadline.ts';
import { valueAt } from '../../src/base/json.ts';
import { type ConnectedKubeClient, createKubeClient } from '../../src/kube/api-client.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { administrator, MillraceProcess, newDataFolder, readState, removeFolder } from './sandbox-process.ts';

const startMs = 90_000;
const scanner = 'image-reflector-controller';

describe('four controllers, each in a pod of its own', () => {
  let data: string;
  let millrace: MillraceProcess;
  let state: Awaited<ReturnType<typeof readState>>;
  let client: ConnectedKubeClient;
  const { signal } = newLifetime();

  beforeAll(async () => {
    data = await newDataFolder();
    millrace = new MillraceProcess(['up', '--topology', 'split', '--timeout', '90s', '--data', data]);
    await millrace.until('Ctrl-C ends the sandbox', startMs);
    state = await readState(data);
    client = createKubeClient(await loadKubeConfig({ env: {}, path: state.kubernetes.kubeconfig }));
  }, startMs + 10_000);

  afterAll(async () => {
    await client.close();
    const { code } = await millrace.stop();
    await removeFolder(data);
    expect(code).toBe(0);
  });

  const scannerPod = async () => {
    const { items } = await client.list(
      { apiVersion: 'v1', kind: 'Pod' },
      { namespace: 'flux-system', labelSelector: `app=${scanner}`, signal },
    );
    return items.find(({ metadata }) => metadata.deletionTimestamp === undefined);
  };
  const verify = async () => {
    const { registry } = state;
    const env = administrator(state);
    const args = ['verify', '-o', 'json', '--registry-endpoint', `${registry.host}=${registry.url}`];
    const { stdout } = await new MillraceProcess(args, { env }).ended;
    const { checks } = JSON.parse(stdout) as { checks: { number: number; verdict: string; evidence: string }[] };
    return checks;
  };

  test('the scanner has the identity that the webhook injected, and only the scanner', async () => {
    const checks = await verify();
    const open = checks.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'skipped');
    expect(open).toEqual([]);
    const made = checks.filter(({ number }) => [2, 5, 6, 7, 8, 9].includes(number));
    expect(made.map(({ verdict }) => verdict)).toEqual(Array(6).fill('pass'));
    const identity = await client.get(
      { apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageRepository', namespace: 'flux-system', name: 'mainapp' },
      { signal },
    );
    expect(JSON.stringify(identity)).toContain('injected web identity (IRSA)');
    const { items } = await client.list({ apiVersion: 'v1', kind: 'Pod' }, { namespace: 'flux-system', signal });
    const withRole = items.filter((pod) => JSON.stringify(pod['spec']).includes('AWS_ROLE_ARN'));
    expect(withRole.map(({ metadata }) => metadata.labels?.['app'])).toEqual([scanner]);
  });

  test.skipIf(process.platform !== 'linux')(
    'a controller that ends by itself is restarted, and its pod tells it',
    { timeout: startMs },
    async () => {
      const before = await scannerPod();
      const pid = await processWith(join(data, 'pods', before?.metadata.uid ?? '', 'kubeconfig'));
      process.kill(Number(pid), 'SIGKILL');
      const status = async () => valueAt(await scannerPod(), 'status', 'containerStatuses', 0);
      await expect
        .poll(status)
        .toMatchObject({ restartCount: 1, ready: true, lastState: { terminated: { exitCode: 137, reason: 'Error' } } });
      expect((await scannerPod())?.metadata.uid).toBe(before?.metadata.uid);
    },
  );

  test('a pod that goes is followed by another, with a process of its own, and deliveries go on', {
    timeout: startMs,
  }, async () => {
    const before = await scannerPod();
    await client.delete(
      { apiVersion: 'v1', kind: 'Pod', namespace: 'flux-system', name: before?.metadata.name ?? '' },
      { signal },
    );
    await expect
      .poll(async () => (await scannerPod())?.metadata.uid ?? before?.metadata.uid)
      .not.toBe(before?.metadata.uid);
    await new MillraceProcess(['push', 'mainapp:1.0.2', '--data', data]).ended;
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'apps', name: 'mainapp' };
    await expect
      .poll(async () => JSON.stringify((await client.get(deployment, { signal }))?.['spec']), { timeout: 60_000 })
      .toContain('zenler/mainapp:1.0.2');
  });
});

/** The ID of the process that has a text among its arguments. */
async function processWith(argument: string): Promise<string | undefined> {
  for (const pid of await readdir('/proc')) {
    const args = /^\d+$/.test(pid) ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : '';
    if (args.split('\0').includes(argument)) return pid;
  }
  return undefined;
}
