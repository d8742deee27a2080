import type { ImageRepository } from '../api/image-repository.ts';
import { ImageRepository as ImageRepositoryKind } from '../api/image-repository.ts';
import { kindRef } from '../api/kind.ts';
import { createEcrLogins } from '../aws/ecr-login.ts';
import { parseAwsEnvironment } from '../aws/environment.ts';
import { createAwsIdentities } from '../aws/identities.ts';
import { MillraceError } from '../base/error.ts';
import type { ObjectKey } from '../base/kube-object.ts';
import { createRegistryAccess } from '../controllers/image/registry-access.ts';
import { effectiveExclusions } from '../controllers/image-repository/scan-reason.ts';
import { createHttpClient } from '../http/http-client.ts';
import { proxyFromEnv } from '../http/proxy.ts';
import { compileTagPattern } from '../images/tag-pattern.ts';
import type { KubeClient } from '../kube/client.ts';
import { listTags } from '../oci/tags.ts';
import type { CliContext } from './context.ts';

/** Tags as the ImageRepository of the cluster would see them, asked of its registry now with our own AWS identity. */
export async function tagsOfRepository(key: ObjectKey, client: KubeClient, context: CliContext): Promise<string[]> {
  const repository = await client.get<ImageRepository>({ ...kindRef(ImageRepositoryKind), ...key }, context);
  if (repository === undefined) {
    throw new MillraceError('BAD_INPUT', `ImageRepository ${key.namespace}/${key.name} does not exist`, {
      hint: 'Give the tags with --tags-file, or an image with --image.',
    });
  }
  return listOf(repository, client, context);
}

/** Tags of an image in its registry; ECR is asked with the AWS identity of the environment, other registries anonymously. */
export async function tagsOfImage(image: string, context: CliContext): Promise<string[]> {
  const provider = /(?:^|\.)(?:dkr[.-]ecr|public\.ecr)/.test(image) ? 'aws' : 'generic';
  const repository = {
    ...kindRef(ImageRepositoryKind),
    metadata: { name: 'image' },
    spec: { image, interval: '1m', provider, exclusionList: [] },
  } as ImageRepository;
  return listOf(repository, undefined, context);
}

async function listOf(
  repository: ImageRepository,
  client: KubeClient | undefined,
  { env, signal }: CliContext,
): Promise<string[]> {
  const environment = parseAwsEnvironment(env);
  const proxy = proxyFromEnv(env);
  const http = createHttpClient(proxy === undefined ? {} : { proxy });
  const ecr = createEcrLogins({
    identities: createAwsIdentities({ environment, usesDefaultProfile: true }),
    endpoints: environment.endpoints,
  });
  try {
    const access = await createRegistryAccess({ client: client ?? noCluster, ecr, http }).open(repository, signal);
    const tags = await listTags(access.registry, access.repository, { signal });
    await access.close();
    const excluded = effectiveExclusions(repository).map((source) =>
      compileTagPattern(source, (complaint) => `exclusionList: ${complaint}`),
    );
    return tags.filter((tag) => !excluded.some((pattern) => pattern.matches(tag)));
  } finally {
    await http.close({ force: true });
  }
}

/** An image by name refers to no objects, so that nothing is ever asked of it. */
const noCluster = {
  get: async () => undefined,
} as unknown as KubeClient;
