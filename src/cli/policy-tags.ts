import type { ImageRepository } from '../api/image-repository.ts';
import { ImageRepository as ImageRepositoryKind } from '../api/image-repository.ts';
import { kindRef } from '../api/kind.ts';
import { parseEcrHost } from '../aws/ecr-host.ts';
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
import { parseImageName } from '../oci/reference.ts';
import { listTags } from '../oci/tags.ts';
import { endpointsOf, withRegistry } from './artifact/open-registry.ts';
import type { CliContext } from './context.ts';
import { serviceAccountsOf } from './run/aws-identities.ts';

type Options = Record<string, unknown>;

/**
 * Tags as the ImageRepository of the cluster would see them, asked of its registry now: with its own Secrets and
 * ServiceAccount, and where it has none at AWS, with the AWS identity of whoever asks.
 */
export async function tagsOfRepository(
  key: ObjectKey,
  client: KubeClient,
  { options, context }: { options: Options; context: CliContext },
): Promise<string[]> {
  const { env, signal } = context;
  const repository = await client.get<ImageRepository>({ ...kindRef(ImageRepositoryKind), ...key }, { signal });
  if (repository === undefined) {
    throw new MillraceError('BAD_INPUT', `ImageRepository ${key.namespace}/${key.name} does not exist`, {
      hint: 'Give the tags with --tags-file, or an image with --image.',
    });
  }
  const environment = parseAwsEnvironment(env);
  const proxy = proxyFromEnv(env);
  const http = createHttpClient(proxy === undefined ? {} : { proxy });
  const serviceAccounts = serviceAccountsOf(client);
  const identities = createAwsIdentities({ environment, serviceAccounts, usesDefaultProfile: true });
  const ecr = createEcrLogins({ identities, endpoints: environment.endpoints });
  try {
    const registries = createRegistryAccess({ client, ecr, http, endpoints: endpointsOf(options) });
    const access = await registries.open(repository, signal);
    const tags = await listTags(access.registry, access.repository, { signal });
    await access.close();
    return without(tags, effectiveExclusions(repository));
  } finally {
    await http.close({ force: true });
  }
}

/** Tags of an image in its registry; ECR is asked with the AWS identity of the environment, others as docker is logged in. */
export async function tagsOfImage(image: string, options: Options, context: CliContext): Promise<string[]> {
  const { signal } = context;
  const repository = parseImageName(image);
  const provider = parseEcrHost(repository.host) === undefined ? 'generic' : 'aws';
  const tags = await withRegistry({ ...options, provider }, context, (registry) =>
    listTags(registry, repository, { signal }),
  );
  return without(tags, effectiveExclusions({ spec: {} }));
}

function without(tags: readonly string[], exclusions: readonly string[]): string[] {
  const excluded = exclusions.map((source) => compileTagPattern(source, (complaint) => `exclusionList: ${complaint}`));
  return tags.filter((tag) => !excluded.some((pattern) => pattern.matches(tag)));
}
