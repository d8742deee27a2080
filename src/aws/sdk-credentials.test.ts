import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startHttpProxy } from '../../test/support/proxies.ts';
import { profileCredentials } from './sdk-credentials.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'millrace-home-'));
  await mkdir(join(home, '.aws/sso/cache'), { recursive: true });
  vi.stubEnv('HOME', home);
  vi.stubEnv('AWS_CONFIG_FILE', join(home, '.aws/config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(home, '.aws/credentials'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

const inAnHour = () => Date.now() + 3_600_000;

test('a profile of SSO asks its portal through the proxy', async () => {
  const startUrl = 'https://example.awsapps.com/start';
  const portal = createServer((request, response) => {
    const isRight =
      request.headers['x-amz-sso_bearer_token'] === 'from-login' && request.url?.includes('role_name=dev');
    if (!isRight) return void response.writeHead(401).end('{}');
    const keys = { accessKeyId: 'AKIASSO', secretAccessKey: 'x', sessionToken: 't', expiration: inAnHour() };
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ roleCredentials: keys }));
  });
  await new Promise<void>((resolve) => portal.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(portal.address() as AddressInfo).port}`;
  vi.stubEnv('AWS_ENDPOINT_URL_SSO', `http://${address}`);
  await writeFile(
    join(home, '.aws/config'),
    `[profile dev]\nsso_start_url = ${startUrl}\nsso_region = eu-west-1\nsso_account_id = 111122223333\nsso_role_name = dev\nregion = eu-west-1\n`,
  );
  const cached = { startUrl, region: 'eu-west-1', accessToken: 'from-login', expiresAt: new Date(inAnHour()) };
  const file = `${createHash('sha1').update(startUrl).digest('hex')}.json`;
  await writeFile(join(home, '.aws/sso/cache', file), JSON.stringify(cached));
  const proxy = await startHttpProxy('joe:pw');
  const url = `http://joe:pw@${proxy.address}`;
  expect(await profileCredentials('dev', { proxy: { http: url, https: url } })).toMatchObject({
    accessKeyId: 'AKIASSO',
    sessionToken: 't',
  });
  expect(proxy.targets).toEqual([address]);
  expect(await profileCredentials('dev', {})).toMatchObject({ accessKeyId: 'AKIASSO' });
  expect(proxy.targets).toHaveLength(1);
  await proxy.close();
  portal.close();
  portal.closeAllConnections();
});
