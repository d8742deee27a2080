import { join } from 'node:path';
import { createEcrLogins } from '../../aws/ecr-login.ts';
import { parseAwsEnvironment } from '../../aws/environment.ts';
import type { AwsIdentities } from '../../aws/identities.ts';
import { consumePushEvents } from '../../aws/push-queue.ts';
import { createRegistryAccess } from '../../controllers/image/registry-access.ts';
import { createTagStore } from '../../controllers/image/tag-store.ts';
import { createImagePolicyController } from '../../controllers/image-policy/controller.ts';
import { createImageRepositoryController } from '../../controllers/image-repository/controller.ts';
import { createPushWaker } from '../../controllers/image-repository/wake-by-push.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { proxyFromEnv } from '../../http/proxy.ts';
import { version } from '../../version.ts';
import { awsIdentitiesOf } from './aws-identities.ts';
import type { ControllerDeps, ControllerPart } from './controllers.ts';
import type { SharedParts } from './shared.ts';

/** Scans of images, and the choice among their tags. */
export async function assembleImageReflector(deps: ControllerDeps, shared: SharedParts): Promise<ControllerPart> {
  const { client, options, env } = deps;
  const component = 'image-reflector-controller';
  const proxy = proxyFromEnv(env);
  const http = createHttpClient({
    connections: 16,
    headers: { 'user-agent': `millrace/${version}` },
    ...(proxy === undefined ? {} : { proxy }),
  });
  const { endpoints } = parseAwsEnvironment(env);
  const identities = awsIdentitiesOf(component, deps);
  const image = {
    client,
    events: deps.events(component),
    tags: createTagStore(join(shared.storageDir, 'images')),
    objectLevelWorkloadIdentity: options.featureGates.get('ObjectLevelWorkloadIdentity') ?? false,
    registries: createRegistryAccess({
      client,
      http,
      ecr: createEcrLogins({ identities, endpoints }),
      endpoints: Object.fromEntries(options.registryEndpoints),
      defaultServiceAccount: options.defaultServiceAccount,
    }),
    ...(options.concurrent === undefined ? {} : { concurrency: options.concurrent }),
  };
  listenForPushes(deps, identities);
  return {
    controllers: [
      createImageRepositoryController(image),
      createImagePolicyController({
        ...image,
        noCrossNamespaceRefs: options.noCrossNamespaceRefs,
        requeueDependencyMs: options.requeueDependencyMs,
      }),
    ],
    close: () => http.close({ force: true }),
  };
}

/** Scans at once what ECR says was pushed; it ends with the process. */
function listenForPushes({ client, options, env, logger, signal }: ControllerDeps, identities: AwsIdentities): void {
  const { ecrEventsQueue: queueUrl } = options;
  if (queueUrl === undefined) return;
  const waker = createPushWaker({ client, logger, signal });
  const { endpoints } = parseAwsEnvironment(env);
  const defaultRegion = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'];
  void consumePushEvents({ queueUrl, defaultRegion, identities, endpoints, logger, onPush: waker.pushed }, signal);
}
