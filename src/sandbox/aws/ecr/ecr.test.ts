import * as ecrSdk from '@aws-sdk/client-ecr';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestCloud, type TestCloud } from '../../../../test/support/sandbox-cloud.ts';
import { pushSmallImage } from '../../registry/push-image.ts';

let cloud: TestCloud;
let ecr: ecrSdk.ECRClient;
const repositoryName = 'apps/a';

beforeEach(async () => {
  cloud = await startTestCloud();
  const credentials = cloud.aws.administrator;
  ecr = new ecrSdk.ECRClient({ endpoint: cloud.aws.url, region: 'eu-west-1', credentials, maxAttempts: 1 });
  await ecr.send(new ecrSdk.CreateRepositoryCommand({ repositoryName }));
});
afterEach(() => cloud.close());

async function push(tag: string, createdAt = 0) {
  const { authorizationData } = await ecr.send(new ecrSdk.GetAuthorizationTokenCommand({}));
  const [username = '', password = ''] = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64')
    .toString()
    .split(':');
  const target = { endpoint: cloud.registry.url, username, password };
  return pushSmallImage({ repository: repositoryName, tag, createdAt }, target, new AbortController().signal);
}

test('a login is for user AWS, the registry of the account, and twelve hours', async () => {
  const { authorizationData } = await ecr.send(new ecrSdk.GetAuthorizationTokenCommand({}));
  expect(authorizationData).toHaveLength(1);
  const [data] = authorizationData ?? [];
  expect(data?.proxyEndpoint).toBe('https://000000000000.dkr.ecr.eu-west-1.amazonaws.com');
  expect(Math.round(((data?.expiresAt?.getTime() ?? 0) - Date.now()) / 3_600_000)).toBe(12);
});

describe('repositories', () => {
  test('are described by name or all, in pages', async () => {
    for (const name of ['apps/b', 'zenler/mainapp']) {
      await ecr.send(new ecrSdk.CreateRepositoryCommand({ repositoryName: name }));
    }
    const names: (string | undefined)[] = [];
    for await (const page of ecrSdk.paginateDescribeRepositories({ client: ecr, pageSize: 2 }, {})) {
      names.push(...(page.repositories ?? []).map((repository) => repository.repositoryName));
    }
    expect(names).toEqual(['apps/a', 'apps/b', 'zenler/mainapp']);
    const one = await ecr.send(new ecrSdk.DescribeRepositoriesCommand({ repositoryNames: ['apps/a'] }));
    expect(one.repositories).toMatchObject([
      { repositoryUri: '000000000000.dkr.ecr.eu-west-1.amazonaws.com/apps/a', imageTagMutability: 'MUTABLE' },
    ]);
  });

  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    [
      'a taken name',
      () => ecr.send(new ecrSdk.CreateRepositoryCommand({ repositoryName })),
      'RepositoryAlreadyExistsException',
      /^The repository with name 'apps\/a' already exists in the registry with id '000000000000'$/,
    ],
    [
      'a bad name',
      () => ecr.send(new ecrSdk.CreateRepositoryCommand({ repositoryName: 'Apps' })),
      'InvalidParameterException',
      /repositoryName/,
    ],
    [
      'an absent one',
      () => ecr.send(new ecrSdk.ListImagesCommand({ repositoryName: 'x/y' })),
      'RepositoryNotFoundException',
      /^The repository with name 'x\/y' does not exist in the registry with id '000000000000'$/,
    ],
    [
      'a foreign registry',
      () => ecr.send(new ecrSdk.ListImagesCommand({ repositoryName, registryId: '999999999999' })),
      'RepositoryNotFoundException',
      /with id '999999999999'$/,
    ],
    [
      'a policy that is none',
      () => ecr.send(new ecrSdk.SetRepositoryPolicyCommand({ repositoryName, policyText: '{}' })),
      'InvalidParameterException',
      /Invalid repository policy provided/,
    ],
    [
      'a policy that is absent',
      () => ecr.send(new ecrSdk.GetRepositoryPolicyCommand({ repositoryName })),
      'RepositoryPolicyNotFoundException',
      /Repository policy does not exist/,
    ],
  ])('%s is refused', async (_, call, name, message) => {
    await expect(call()).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
  });

  test('are deleted empty, or by force', async () => {
    await push('1.0.0');
    const drop = (force: boolean) => ecr.send(new ecrSdk.DeleteRepositoryCommand({ repositoryName, force }));
    await expect(drop(false)).rejects.toMatchObject({ name: 'RepositoryNotEmptyException' });
    await drop(true);
    await ecr.send(new ecrSdk.CreateRepositoryCommand({ repositoryName }));
    expect((await ecr.send(new ecrSdk.ListImagesCommand({ repositoryName }))).imageIds).toEqual([]);
  });

  test('carry tags', async () => {
    const resourceArn = `arn:aws:ecr:eu-west-1:000000000000:repository/${repositoryName}`;
    await ecr.send(new ecrSdk.TagResourceCommand({ resourceArn, tags: [{ Key: 'a', Value: '1' }] }));
    expect((await ecr.send(new ecrSdk.ListTagsForResourceCommand({ resourceArn }))).tags).toEqual([
      { Key: 'a', Value: '1' },
    ]);
  });
});

describe('images', () => {
  test('are listed and described', async () => {
    const digest = await push('1.0.0');
    const { imageIds } = await ecr.send(new ecrSdk.ListImagesCommand({ repositoryName }));
    expect(imageIds).toEqual([{ imageDigest: digest, imageTag: '1.0.0' }]);
    const { imageDetails } = await ecr.send(
      new ecrSdk.DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: '1.0.0' }] }),
    );
    expect(imageDetails).toMatchObject([
      {
        imageDigest: digest,
        imageTags: ['1.0.0'],
        imageManifestMediaType: 'application/vnd.oci.image.manifest.v1+json',
        artifactMediaType: 'application/vnd.oci.image.config.v1+json',
        imagePushedAt: expect.any(Date),
      },
    ]);
    expect(imageDetails?.[0]?.imageSizeInBytes).toBeGreaterThan(500);
  });

  test('a tag that moves leaves its image untagged', async () => {
    const first = await push('latest', 1000);
    const second = await push('latest', 2000);
    const list = async (tagStatus: ecrSdk.TagStatus) =>
      (await ecr.send(new ecrSdk.ListImagesCommand({ repositoryName, filter: { tagStatus } }))).imageIds;
    expect(await list('TAGGED')).toEqual([{ imageDigest: second, imageTag: 'latest' }]);
    expect(await list('UNTAGGED')).toEqual([{ imageDigest: first }]);
  });

  test('an absent one is named', async () => {
    await expect(
      ecr.send(new ecrSdk.DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: '9' }] })),
    ).rejects.toMatchObject({
      name: 'ImageNotFoundException',
      message: `The image with imageId {imageDigest:'null', imageTag:'9'} does not exist within the repository with name 'apps/a' in the registry with id '000000000000'`,
    });
  });

  test('are read and put under another tag', async () => {
    const digest = await push('1.0.0');
    const { images, failures } = await ecr.send(
      new ecrSdk.BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: '1.0.0' }, { imageTag: '9' }] }),
    );
    expect(failures).toMatchObject([{ failureCode: 'ImageNotFound', imageId: { imageTag: '9' } }]);
    const put = new ecrSdk.PutImageCommand({
      repositoryName,
      imageTag: '1',
      imageManifest: images?.[0]?.imageManifest,
    });
    expect((await ecr.send(put)).image?.imageId).toEqual({ imageDigest: digest, imageTag: '1' });
  });

  test('are deleted by tag, the last of which takes the image along', async () => {
    const digest = await push('1.0.0');
    const { images } = await ecr.send(
      new ecrSdk.BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: '1.0.0' }] }),
    );
    const imageManifest = images?.[0]?.imageManifest;
    await ecr.send(new ecrSdk.PutImageCommand({ repositoryName, imageTag: '1', imageManifest }));
    const remove = async (...imageIds: ecrSdk.ImageIdentifier[]) =>
      (await ecr.send(new ecrSdk.BatchDeleteImageCommand({ repositoryName, imageIds }))).imageIds;
    expect(await remove({ imageTag: '1' })).toEqual([{ imageDigest: digest, imageTag: '1' }]);
    expect((await ecr.send(new ecrSdk.DescribeImagesCommand({ repositoryName }))).imageDetails).toHaveLength(1);
    expect(await remove({ imageTag: '1.0.0' })).toEqual([{ imageDigest: digest, imageTag: '1.0.0' }]);
    expect((await ecr.send(new ecrSdk.DescribeImagesCommand({ repositoryName }))).imageDetails).toEqual([]);
  });
});
