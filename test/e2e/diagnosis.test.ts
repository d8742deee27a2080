import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newLifetime } from '../../src/base/deadline.ts';
import { createKubeClient } from '../../src/kube/api-client.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { administrator, MillraceProcess, newDataFolder, readState, removeFolder } from './sandbox-process.ts';

const run = promisify(execFile);
const startMs = 60_000;
const account = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  namespace: 'flux-system',
  name: 'image-reflector-controller',
};
const annotation = 'eks.amazonaws.com/role-arn';

interface Item {
  number: number;
  verdict: string;
  evidence: string;
}

describe('diagnosis in the sandbox', () => {
  let data: string;
  let millrace: MillraceProcess;
  let state: Awaited<ReturnType<typeof readState>>;
  const { signal } = newLifetime();

  beforeAll(async () => {
    data = await newDataFolder();
    millrace = new MillraceProcess(['up', '--data', data]);
    await millrace.until('Ctrl-C ends the sandbox', startMs);
    state = await readState(data);
  }, startMs + 10_000);

  afterAll(async () => {
    await millrace.stop();
    await removeFolder(data);
  });

  const millraceWith = (args: string[], kubeconfig = state.kubernetes.kubeconfig) =>
    new MillraceProcess(args, { env: { ...administrator(state), KUBECONFIG: kubeconfig } }).ended;
  const verify = (args: string[] = [], kubeconfig?: string) => {
    const { host, url } = state.registry;
    return millraceWith(['verify', '--registry-endpoint', `${host}=${url}`, ...args], kubeconfig);
  };
  const trace = async (...args: string[]) => {
    const { code, stdout } = await millraceWith(['trace', '-o', 'json', ...args]);
    const { traces, findings } = JSON.parse(stdout) as {
      traces: { tag: string; routes: { hops: { name: string; state: string; evidence: string }[] }[] }[];
      findings: { code: string }[];
    };
    const hops = traces[0]?.routes[0]?.hops ?? [];
    const open = hops.find(({ state }) => state !== 'done');
    return { code, tag: traces[0]?.tag, hops, open, findings: findings.map((finding) => finding.code) };
  };
  const items = async (kubeconfig?: string) => {
    const { code, stdout } = await verify(['-o', 'json'], kubeconfig);
    const { checks } = JSON.parse(stdout) as { checks: Item[] };
    const numbers = (verdict: string) => checks.filter((item) => item.verdict === verdict).map(({ number }) => number);
    return { code, checks, failed: numbers('fail'), unknown: numbers('unknown'), passed: numbers('pass') };
  };
  const connect = async () => createKubeClient(await loadKubeConfig({ env: {}, path: state.kubernetes.kubeconfig }));

  test('every link of a fresh installation holds, by a real exchange, login, listing and dry-run push', async () => {
    const { code, checks, failed, unknown, passed } = await items();
    expect({ failed, unknown, code }, JSON.stringify(checks, null, 1)).toEqual({ failed: [], unknown: [], code: 0 });
    expect(passed).toEqual(expect.arrayContaining([4, 10, 12, 13, 14, 15, 16, 17, 18, 19, 22, 23, 24, 25, 26, 27, 33]));
    expect(JSON.stringify(checks)).not.toContain(state.git.password);
  });

  test('a wrong role is found, and what follows from it is no finding of its own', async () => {
    const client = await connect();
    const right = (await client.get(account, { signal }))?.metadata.annotations?.[annotation] ?? '';
    const annotate = (value: string | null) =>
      client.patch(account, 'merge', { metadata: { annotations: { [annotation]: value } } }, { signal });
    try {
      await annotate(`${right}-of-another-cluster`);
      const { code, failed, checks } = await items();
      // A scan that happens to fall into this moment fails as well.
      const causes = failed.filter((number) => number < 22);
      expect({ code, causes }, JSON.stringify(checks, null, 1)).toEqual({ code: 1, causes: [13, 14] });
      const report = await verify(['--markdown']);
      expect(report).toMatchObject({ code: 1, stderr: '' });
      expect(report.stdout).toMatch(
        /^\| 13 \| role and trust policy \| FAIL \| the role \S+-of-another-cluster does not exist \|$/m,
      );
      const doctor = JSON.parse((await millraceWith(['doctor', '-o', 'json'])).stdout);
      expect(doctor.findings[0]).toMatchObject({
        code: 'irsa-role-arn-invalid',
        evidence: [expect.stringMatching(/^verify 13, .*-of-another-cluster does not exist$/)],
      });
      await annotate(null);
      expect((await items()).failed.filter((number) => number < 22)).toEqual([4]);
    } finally {
      await annotate(right);
      await client.close();
    }
  });

  test('who may read little is told what is missing, not that something is wrong', async () => {
    const client = await connect();
    const { token } = await client.requestToken(
      { namespace: 'default', name: 'default' },
      { audiences: [] },
      { signal },
    );
    await client.close();
    const kubeconfig = load(await readFile(state.kubernetes.kubeconfig, 'utf8')) as { users: { user: unknown }[] };
    for (const entry of kubeconfig.users) entry.user = { token };
    const path = join(data, 'nobody.kubeconfig');
    await writeFile(path, JSON.stringify(kubeconfig));
    const { code, failed, unknown, checks } = await items(path);
    expect({ code, failed }, JSON.stringify(checks, null, 1)).toEqual({ code: 2, failed: [] });
    expect(unknown).toEqual(expect.arrayContaining([1, 2, 3, 22, 24, 27]));
    expect(checks.find(({ number }) => number === 3)?.evidence).toContain(
      'may not list serviceaccounts at the cluster scope',
    );
    const doctor = await millraceWith(['doctor'], path);
    expect(doctor.code).toBe(2);
    expect(doctor.stdout).toContain('list gitrepositories.source.toolkit.fluxcd.io');
  });

  test('a cluster that does not answer is no finding', async () => {
    const text = await readFile(state.kubernetes.kubeconfig, 'utf8');
    const path = join(data, 'gone.kubeconfig');
    await writeFile(path, text.replace(/https:\/\/127\.0\.0\.1:\d+/g, 'https://127.0.0.1:1'));
    expect(await verify([], path)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('trace: what was delivered shows every hop; from the workload and from the commit as well', async () => {
    const delivered = await trace('mainapp:1.0.1');
    expect(delivered.hops.map(({ name, state }) => `${name} ${state}`)).toEqual(
      ['pushed', 'scanned', 'chosen', 'committed', 'fetched', 'built', 'applied', 'running'].map(
        (name) => `${name} done`,
      ),
    );
    expect(delivered.code).toBe(0);
    const committed = delivered.hops.find(({ name }) => name === 'committed')?.evidence ?? '';
    expect(committed).toMatch(/^[0-9a-f]{7} millrace: .*1\.0\.0 -> .*1\.0\.1/);
    expect(await trace('deployment/mainapp', '-n', 'apps')).toMatchObject({ code: 0, tag: '1.0.1', open: undefined });
    expect(await trace(committed.slice(0, 7))).toMatchObject({ code: 0, tag: '1.0.1', open: undefined });
  });

  test('trace: what came before was delivered and replaced', async () => {
    const { code, open } = await trace('mainapp:1.0.0');
    expect({ code, open }).toMatchObject({ code: 0, open: { name: 'applied', state: 'superseded' } });
  });

  test('trace: a tag that the policy does not take is stopped there, by the rule', async () => {
    await millraceWith(['push', 'mainapp:0.9.0', '--data', data]);
    await expect
      .poll(() => trace('mainapp:0.9.0'), { interval: 300 })
      .toMatchObject({
        code: 1,
        open: { name: 'chosen', state: 'stopped', evidence: expect.stringContaining('>=1.0.0') },
      });
    expect(await trace('mainapp:7.7.7')).toMatchObject({ code: 1, open: { name: 'pushed', state: 'stopped' } });
  });

  test('trace: a manifest without its marker stops the delivery at the commit, and the cause is named', async () => {
    const { username, password, url } = state.git;
    const clone = join(data, 'by-hand');
    await run('git', ['clone', '-q', `${url.replace('://', `://${username}:${password}@`)}/fleet.git`, clone]);
    const manifest = join(clone, 'apps/mainapp/deployment.yaml');
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace(/ # \{"\$imagepolicy.*/, ''));
    await run('git', ['-C', clone, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qam', 'tidy']);
    await run('git', ['-C', clone, 'push', '-q']);
    await millraceWith(['push', 'mainapp:1.0.2', '--data', data]);
    await expect
      .poll(() => trace('mainapp:1.0.2'), { interval: 300 })
      .toMatchObject({ code: 1, open: { name: 'committed', state: 'stopped' }, findings: ['marker-missing'] });
  }, 60_000);
});
