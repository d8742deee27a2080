import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/base/clock.ts';
import { type AwsAccount, registryHost } from '../../src/sandbox/aws/account.ts';
import { type Aws, startAws } from '../../src/sandbox/aws/start-aws.ts';
import type { HttpListener } from '../../src/sandbox/http-listener.ts';
import { RepositoryStore } from '../../src/sandbox/registry/repository-store.ts';
import { startRegistry } from '../../src/sandbox/registry/start-registry.ts';
import { startTestIssuer, type TestIssuer } from './oidc-issuer.ts';

/** AWS and the registry in a folder of their own, with an issuer and a clock that tests can move. */
export interface TestCloud {
  dir: string;
  account: AwsAccount;
  host: string;
  issuer: TestIssuer;
  aws: Aws;
  registry: HttpListener;
  /** Moves the services' clock from now on. */
  advance(ms: number): void;
  /** Ends and starts AWS and registry again on the same folder. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startTestCloud(): Promise<TestCloud> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-cloud-'));
  const account = { partition: 'aws', id: '000000000000', region: 'eu-west-1' };
  const issuer = await startTestIssuer();
  let offset = 0;
  const clock: Clock = { now: () => Date.now() + offset };
  const start = async () => {
    const repositories = new RepositoryStore(join(dir, 'registry'), clock);
    const { url: endpoint, caPem } = issuer;
    const cluster = { name: 'sandbox', endpoint, caPem, issuer: endpoint, version: '1.36' };
    const trustedCaPem = [caPem];
    const aws = await startAws({ dataDir: join(dir, 'aws'), account, repositories, clock, trustedCaPem, cluster });
    const registry = await startRegistry({ repositories, access: aws.registryAccess, registryId: account.id, clock });
    return { repositories, aws, registry };
  };
  let parts = await start();
  const stop = async () => {
    await parts.registry.close();
    await parts.aws.close();
    parts.repositories.close();
  };
  return {
    dir,
    account,
    issuer,
    host: registryHost(account),
    get aws() {
      return parts.aws;
    },
    get registry() {
      return parts.registry;
    },
    advance(ms) {
      offset += ms;
    },
    async restart() {
      await stop();
      parts = await start();
    },
    async close() {
      await stop();
      await issuer.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
