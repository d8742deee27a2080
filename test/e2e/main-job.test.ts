import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKubeClient } from '../../src/kube/api-client.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import {
  administrator,
  hasClient,
  MillraceProcess,
  newDataFolder,
  readState,
  removeFolder,
} from './sandbox-process.ts';

const run = promisify(execFile);
const deliveryMs = 60_000;

describe('the sandbox stays up and answers real clients', () => {
  let data: string;
  let millrace: MillraceProcess;
  let state: Awaited<ReturnType<typeof readState>>;

  beforeAll(async () => {
    data = await newDataFolder();
    millrace = new MillraceProcess(['up', '--data', data]);
    await millrace.until('Ctrl-C ends the sandbox', deliveryMs);
    state = await readState(data);
  }, deliveryMs + 10_000);

  afterAll(async () => {
    const { code } = await millrace.stop();
    await removeFolder(data);
    expect(code).toBe(0);
  });

  const aws = (...args: string[]) =>
    run('aws', ['--endpoint-url', state.aws.url, '--output', 'json', ...args], {
      env: {
        ...process.env,
        AWS_ACCESS_KEY_ID: state.aws.accessKeyId,
        AWS_SECRET_ACCESS_KEY: state.aws.secretAccessKey,
        AWS_REGION: state.aws.account.region,
        AWS_DEFAULT_REGION: state.aws.account.region,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    }).then(({ stdout }) => (stdout.trim() === '' ? {} : JSON.parse(stdout)));
  const kubectl = (...args: string[]) =>
    run('kubectl', ['--kubeconfig', state.kubernetes.kubeconfig, ...args]).then(({ stdout }) => stdout);
  const kubectlIsHere = hasClient('kubectl', 'version', '--client');

  test('every hop was shown, in order', () => {
    const order = ['pushed', 'scanned', 'chosen', 'committed', 'fetched', 'built', 'applied', 'running'];
    const hops = [...millrace.stdout.matchAll(/^ {2}(\w+) +\+[\d.]+ s/gm)].map(([, name]) => name);
    expect(hops).toEqual(order);
    expect(millrace.stdout).toContain('1.0.0 → 1.0.1');
  });

  test.skipIf(!kubectlIsHere)('kubectl shows sensible tables', async () => {
    const tables = await kubectl('get', 'pods,deploy,gitrepositories,kustomizations,imagepolicies', '-A');
    expect(tables).toMatch(/apps\s+pod\/mainapp-\S+\s+1\/1\s+Running/);
    expect(tables).toMatch(/apps\s+deployment.apps\/mainapp\s+2\/2/);
    expect(tables).toMatch(/gitrepository\S+\/flux-system\s+http\S+\s+\S+\s+True/);
    expect(tables).toMatch(/imagepolicy\S+\/mainapp\s+\S+mainapp\s+1\.0\.1\s+True/);
    expect(await kubectl('describe', 'deployment', 'mainapp', '-n', 'apps')).toContain('zenler/mainapp:1.0.1');
  });

  test('git works with the printed credential and is refused without', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-clone-'));
    const { username, password, url } = state.git;
    const open = `${url}/fleet.git`;
    await expect(
      run('git', ['ls-remote', open], { env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } }),
    ).rejects.toThrow(/Authentication|could not read|terminal prompts/);
    const withUser = open.replace('://', `://${username}:${password}@`);
    await run('git', ['clone', '-q', withUser, folder]);
    expect(await readFile(join(folder, 'apps/mainapp/deployment.yaml'), 'utf8')).toContain(
      'zenler/mainapp:1.0.1 # {"$imagepolicy"',
    );
    await writeFile(join(folder, 'note.txt'), 'by hand\n');
    await run('git', ['-C', folder, 'add', '.']);
    await run('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qm', 'by hand']);
    await run('git', ['-C', folder, 'push', '-q']);
    await rm(folder, { recursive: true, force: true });
  });

  test.skipIf(!hasClient('aws', '--version'))(
    'the aws CLI reads what was provisioned',
    { timeout: 60_000 },
    async () => {
      const role = await aws('iam', 'get-role', '--role-name', 'millrace-sandbox-image-reflector');
      expect(JSON.stringify(role.Role.AssumeRolePolicyDocument)).toContain(
        'system:serviceaccount:flux-system:image-reflector-controller',
      );
      const images = await aws('ecr', 'describe-images', '--repository-name', 'zenler/mainapp');
      expect(images.imageDetails.flatMap(({ imageTags }: { imageTags: string[] }) => imageTags).sort()).toEqual([
        '1.0.0',
        '1.0.1',
      ]);
      const login = await aws('ecr', 'get-authorization-token');
      expect(Buffer.from(login.authorizationData[0].authorizationToken, 'base64').toString()).toMatch(/^AWS:/);
      if (!kubectlIsHere) return;
      const token = (
        await kubectl(
          'create',
          'token',
          'image-reflector-controller',
          '-n',
          'flux-system',
          '--audience',
          'sts.amazonaws.com',
        )
      ).trim();
      const session = await aws(
        'sts',
        'assume-role-with-web-identity',
        '--role-arn',
        role.Role.Arn,
        '--role-session-name',
        'e2e',
        '--web-identity-token',
        token,
      );
      expect(session.AssumedRoleUser.Arn).toContain('assumed-role/millrace-sandbox-image-reflector/e2e');
      const other = (
        await kubectl('create', 'token', 'default', '-n', 'flux-system', '--audience', 'sts.amazonaws.com')
      ).trim();
      await expect(
        aws(
          'sts',
          'assume-role-with-web-identity',
          '--role-arn',
          role.Role.Arn,
          '--role-session-name',
          'e2e',
          '--web-identity-token',
          other,
        ),
      ).rejects.toThrow(/Not authorized to perform sts:AssumeRoleWithWebIdentity/);
    },
  );

  test('millrace push delivers another version', { timeout: deliveryMs }, async () => {
    const pushed = await new MillraceProcess(['push', 'mainapp:1.0.2', '--data', data]).ended;
    expect(pushed).toMatchObject({ code: 0, stdout: expect.stringContaining('mainapp:1.0.2') });
    const env = { KUBECONFIG: state.kubernetes.kubeconfig };
    await expect
      .poll(async () => (await new MillraceProcess(['get', 'imagepolicies', '-A'], { env }).ended).stdout, {
        timeout: 30_000,
        interval: 500,
      })
      .toContain('1.0.2');
    const all = await new MillraceProcess(['get', 'all', '-A'], { env }).ended;
    expect(all).toMatchObject({ code: 0 });
    expect(all.stdout).toContain('flux-system');
  });

  test('the identity of the scanner can be asked for, with what gives it', async () => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...env } = administrator(state);
    const controller = ['iam', 'whoami', '--controller', 'image-reflector-controller'];
    const { stdout, code } = await new MillraceProcess(controller, { env }).ended;
    expect(stdout).toMatch(
      /^ServiceAccount token \(IRSA\) arn:aws:sts::\S+:assumed-role\/millrace-sandbox-image-reflector\//,
    );
    expect(stdout).toMatch(/^node role +not asked$/m);
    expect(code).toBe(0);
    const nobody = await new MillraceProcess([...controller, '-n', 'default'], { env }).ended;
    expect(nobody.stdout).toContain('default/image-reflector-controller does not exist');
    expect(nobody.code).toBe(1);
  });

  test('each delivery is reported by one event', async () => {
    const env = { KUBECONFIG: state.kubernetes.kubeconfig };
    const events = async () => (await new MillraceProcess(['events', '-A'], { env }).ended).stdout;
    await expect
      .poll(events)
      .toMatch(/DeliverySucceeded .*delivered mainapp:1\.0\.2 in .*: .*committed .*, running after /);
  });

  test('who leads gives the Lease back when it is told to end, and takes it again', async () => {
    const args = ['run', '--controllers', 'flux-operator', '--enable-leader-election', '--health-addr', '127.0.0.1:0'];
    for (const transitions of [0, 1]) {
      const leader = new MillraceProcess([...args, '--namespace', 'default'], { env: administrator(state) });
      await leader.until('"msg":"ready"', 20_000);
      const health = /"health":"([^"]+)"/.exec(leader.stderr)?.[1];
      expect((await fetch(`http://${health}/readyz`)).status).toBe(200);
      leader.kill('SIGTERM');
      expect((await leader.ended).code).toBe(0);
      const client = createKubeClient(await loadKubeConfig({ env: {}, path: state.kubernetes.kubeconfig }));
      const name = 'millrace-flux-operator-leader-election';
      const ref = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'default', name };
      const lease = await client.get(ref, { signal: AbortSignal.timeout(10_000) });
      await client.close();
      expect(lease?.['spec']).toMatchObject({ holderIdentity: '', leaseTransitions: transitions });
    }
  });

  test('every hop of it is in the metrics, beside the ones that Flux has', async () => {
    const url = /http:\S+\/metrics/.exec(millrace.stdout)?.[0] ?? '';
    const scrape = async () => (await fetch(url)).text();
    for (const hop of ['scanned', 'chosen', 'committed', 'fetched', 'applied', 'running'])
      await expect
        .poll(scrape)
        .toMatch(new RegExp(`^millrace_delivery_hop_duration_seconds_count{hop="${hop}"} [1-9]`, 'm'));
    const metrics = await scrape();
    for (const series of [
      'gotk_reconcile_duration_seconds_count{kind="ImagePolicy",name="mainapp",namespace="flux-system"}',
      'gotk_token_cache_events_total{event_type="cache_miss"}',
      'gotk_token_cache_requests_total{status="success"}',
      'gotk_token_cached_items',
      'controller_runtime_reconcile_total{controller="gitrepository",result="requeue_after"}',
      'workqueue_depth{name="kustomization",controller="kustomization"}',
      'rest_client_requests_total{',
    ])
      expect(metrics).toContain(series);
    expect(metrics).toMatch(
      /^gotk_resource_info{.*customresource_kind="GitRepository",exported_namespace="flux-system",name="flux-system",ready="True",suspended="false",revision="main@sha1:/m,
    );
  });

  test.skipIf(!hasClient('skopeo', '--version'))(
    'skopeo copy into the registry triggers a delivery',
    { timeout: deliveryMs },
    async () => {
      const password = await ecrPassword();
      const host = new URL(state.registry.url).host;
      const [from, to] = ['1.0.0', '1.0.9'].map((tag) => `docker://${host}/zenler/mainapp:${tag}`);
      const creds = `AWS:${password}`;
      await run('skopeo', [
        'copy',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        '--src-creds',
        creds,
        '--dest-creds',
        creds,
        from as string,
        to as string,
      ]);
      if (!kubectlIsHere) return;
      await expect
        .poll(
          () =>
            kubectl(
              'get',
              'deployment',
              'mainapp',
              '-n',
              'apps',
              '-o',
              'jsonpath={.spec.template.spec.containers[0].image}',
            ),
          { timeout: 30_000, interval: 300 },
        )
        .toContain(':1.0.9');
    },
  );

  async function ecrPassword(): Promise<string> {
    const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
    const { url, account, accessKeyId, secretAccessKey } = state.aws;
    const client = new ECRClient({
      endpoint: url,
      region: account.region,
      credentials: { accessKeyId, secretAccessKey },
    });
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
    client.destroy();
    return Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64')
      .toString()
      .slice(4);
  }
});

test('up --once delivers, and a second start on the same folder resumes', { timeout: 2 * deliveryMs }, async () => {
  const data = await newDataFolder();
  const first = await new MillraceProcess(['up', '--once', '--data', data]).ended;
  expect(first, first.stderr).toMatchObject({ code: 0 });
  const second = await new MillraceProcess(['up', '--once', '--data', data]).ended;
  expect(second, second.stderr).toMatchObject({ code: 0 });
  expect(second.stdout).toContain('provisioned  as before');
  expect(second.stdout).toContain('resuming     zenler/mainapp:1.0.1');
  await removeFolder(data);
});

test.each([
  { args: ['up', '--once', '--data', '/dev/null/x'], code: 'DATA_FOLDER_UNUSABLE' },
  { args: ['up', '--once', '--kubernetes-port', 'many'], code: 'BAD_INPUT' },
])('$args is refused in one clear line', async ({ args, code }) => {
  const { code: exit, stderr } = await new MillraceProcess(args).ended;
  expect(exit).not.toBe(0);
  expect(stderr).toContain(`code: ${code}`);
});

test('without git, it says so', async () => {
  const data = await newDataFolder();
  const { code, stderr } = await new MillraceProcess(['up', '--once', '--data', data], {
    env: { PATH: '/nonexistent' },
  }).ended;
  expect(code).not.toBe(0);
  expect(stderr).toContain('GIT_MISSING');
  await removeFolder(data);
});
