import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { newLifetime } from '../../src/base/deadline.ts';
import { runCommand } from '../../src/cli/main.ts';
import { type ConnectedKubeClient, createKubeClient } from '../../src/kube/api-client.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

interface KeyPair {
  accessKeyId: string;
  secretAccessKey: string;
}

/** A sandbox, a folder with a `millrace.yaml`, and `millrace provision` in it. */
export interface Provisioning {
  sandbox: Sandbox;
  kube: ConnectedKubeClient;
  /** Settings of an AWS client of the administrator. */
  aws: { endpoint: string; region: string; credentials: KeyPair };
  arnOf(resource: string): string;
  configure(repositories: string[], extra?: Record<string, unknown>): void;
  /** `keys` in the place of the administrator's. */
  run(argv: string[], keys?: KeyPair): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  close(): Promise<void>;
}

export async function startProvisioning(): Promise<Provisioning> {
  const dir = mkdtempSync(join(tmpdir(), 'provisioning-'));
  const sandbox = await startSandbox({ dataDir: join(dir, 'data') });
  const { aws, kubernetes, git } = sandbox.access;
  const kube = createKubeClient(await loadKubeConfig({ env: {}, path: kubernetes.kubeconfig }));
  const { accessKeyId, secretAccessKey, account, url: endpoint } = aws;
  return {
    sandbox,
    kube,
    aws: { endpoint, region: account.region, credentials: { accessKeyId, secretAccessKey } },
    arnOf: (resource) => `arn:aws:iam::${account.id}:${resource}`,
    configure(repositories, extra = {}) {
      const configuration = {
        name: 'test',
        engine: 'millrace',
        aws: { account: account.id, region: account.region },
        cluster: { name: 'sandbox' },
        ecr: { repositories, create: ['zenler/mainapp'] },
        git: { url: `${git.url}/fleet.git`, path: './clusters/sandbox' },
        ...extra,
      };
      writeFileSync(join(dir, 'millrace.yaml'), JSON.stringify(configuration));
    },
    async run(argv, keys = { accessKeyId, secretAccessKey }) {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      const env = {
        AWS_ACCESS_KEY_ID: keys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
        AWS_ENDPOINT_URL: endpoint,
        KUBECONFIG: kubernetes.kubeconfig,
        MILLRACE_GIT_CREDENTIAL: 'hush-hush',
      };
      const streams = { stdin: Readable.from([]), stdout, stderr };
      const context = { ...streams, env, cwd: dir, color: false, signal: newLifetime().signal };
      const exitCode = await runCommand(['provision', ...argv], context);
      return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
    },
    async close() {
      await kube.close();
      await sandbox.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
