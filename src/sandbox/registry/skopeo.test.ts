import {
  CreateRepositoryCommand,
  DescribeImagesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
} from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInstalled, runProgram } from '../../../test/support/programs.ts';
import { startTestCloud, type TestCloud } from '../../../test/support/sandbox-cloud.ts';
import { pushSmallImage } from './push-image.ts';

// skopeo speaks the registry protocol as docker and podman do; it is skipped where it is not installed.
describe.skipIf(!isInstalled('skopeo'))('skopeo', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  let ecr: ECRClient;
  let password: string;
  let registry: string;

  beforeAll(async () => {
    cloud = await startTestCloud();
    registry = new URL(cloud.registry.url).host;
    ecr = new ECRClient({ endpoint: cloud.aws.url, region: 'eu-west-1', credentials: cloud.aws.administrator });
    for (const repositoryName of ['apps/a', 'apps/b']) await ecr.send(new CreateRepositoryCommand({ repositoryName }));
    const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
    password = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64')
      .toString()
      .slice('AWS:'.length);
    const target = { endpoint: cloud.registry.url, username: 'AWS', password };
    await pushSmallImage({ repository: 'apps/a', tag: '1.0.0', createdAt: 0 }, target, new AbortController().signal);
  });
  afterAll(() => cloud.close());

  const skopeo = (...args: string[]) =>
    runProgram('skopeo', ['--insecure-policy', '--override-os', 'linux', '--override-arch', 'amd64', ...args], {
      env: { HOME: cloud.dir, XDG_RUNTIME_DIR: cloud.dir },
    });
  const source = () => ['--src-tls-verify=false', '--src-creds', `AWS:${password}`];
  const target = () => ['--dest-tls-verify=false', '--dest-creds', `AWS:${password}`];

  test('reads tags and an image', async () => {
    const tags = await skopeo(
      'list-tags',
      '--tls-verify=false',
      '--creds',
      `AWS:${password}`,
      `docker://${registry}/apps/a`,
    );
    expect(JSON.parse(tags.stdout).Tags).toEqual(['1.0.0']);
    const image = await skopeo(
      'inspect',
      '--tls-verify=false',
      '--creds',
      `AWS:${password}`,
      `docker://${registry}/apps/a:1.0.0`,
    );
    expect(JSON.parse(image.stdout)).toMatchObject({ Architecture: 'amd64', Layers: [expect.any(String)] });
  });

  test('copies out to a folder and back in, as OCI and as Docker image', async () => {
    const layout = `oci:${cloud.dir}/layout:1.0.0`;
    expect(await skopeo('copy', ...source(), `docker://${registry}/apps/a:1.0.0`, layout)).toMatchObject({ code: 0 });
    for (const [format, tag] of [
      ['oci', '2.0.0'],
      ['v2s2', '2.0.0-docker'],
    ] as const) {
      const copy = await skopeo('copy', '--format', format, ...target(), layout, `docker://${registry}/apps/b:${tag}`);
      expect(copy, copy.stderr).toMatchObject({ code: 0 });
    }
    const { imageDetails } = await ecr.send(new DescribeImagesCommand({ repositoryName: 'apps/b' }));
    expect(imageDetails?.map(({ imageManifestMediaType }) => imageManifestMediaType).sort()).toEqual([
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/vnd.oci.image.manifest.v1+json',
    ]);
  });

  test('copies from one repository to another', async () => {
    const [from, to] = [`docker://${registry}/apps/a:1.0.0`, `docker://${registry}/apps/b:3.0.0`];
    expect(await skopeo('copy', ...source(), ...target(), from, to)).toMatchObject({ code: 0 });
  });

  test('deletes', async () => {
    const image = `docker://${registry}/apps/b:3.0.0`;
    await skopeo('copy', ...source(), ...target(), `docker://${registry}/apps/a:1.0.0`, image);
    expect(await skopeo('delete', '--tls-verify=false', '--creds', `AWS:${password}`, image)).toMatchObject({
      code: 0,
    });
    const gone = await skopeo('inspect', '--tls-verify=false', '--creds', `AWS:${password}`, image);
    expect(gone.stderr).toMatch(/manifest unknown|Requested image not found/);
  });

  test.each([
    ['no login', () => ['--no-creds'], 'apps/a', /authentication required|unauthorized|Not Authorized/i],
    [
      'a wrong password',
      () => ['--creds', 'AWS:no'],
      'apps/a',
      /authentication required|unauthorized|invalid username/i,
    ],
    [
      'a repository that does not exist',
      () => ['--creds', `AWS:${password}`],
      'apps/x',
      /404 \(Not Found\)|repository name not known/,
    ],
  ])('is told of %s', async (_, creds, repository, message) => {
    const { code, stderr } = await skopeo(
      'list-tags',
      '--tls-verify=false',
      ...creds(),
      `docker://${registry}/${repository}`,
    );
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});
