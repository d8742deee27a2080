import { join } from 'node:path';
import { parseAwsEnvironment } from '../../aws/environment.ts';
import type { AwsIdentities } from '../../aws/identities.ts';
import { consumePushEvents } from '../../aws/push-queue.ts';
import { dnsSuffix } from '../../aws/signer.ts';
import { createRegistryAccess } from '../../controllers/image/registry-access.ts';
import { createTagStore } from '../../controllers/image/tag-store.ts';
import { createImagePolicyController } from '../../controllers/image-policy/controller.ts';
import { createImageRepositoryController } from '../../controllers/image-repository/controller.ts';
import { createPushWaker, type PushWaker } from '../../controllers/image-repository/wake-by-push.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { proxyFromEnv } from '../../http/proxy.ts';
import { version } from '../../version.ts';
import { awsIdentitiesOf, ecrLoginsOf } from './aws-identities.ts';
import type { ControllerDeps, ControllerPart } from './controllers.ts';
import { startHooks } from './hooks.ts';
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
  const identities = awsIdentitiesOf(component, deps);
  const image = {
    client,
    events: deps.events(component),
    tags: createTagStore(join(shared.storageDir, 'images')),
    objectLevelWorkloadIdentity: options.featureGates.get('ObjectLevelWorkloadIdentity') ?? false,
    registries: createRegistryAccess({
      client,
      http,
      ecr: ecrLoginsOf(identities, deps),
      endpoints: Object.fromEntries(options.registryEndpoints),
      defaultServiceAccount: options.defaultServiceAccount,
    }),
    ...(options.concurrent === undefined ? {} : { concurrency: options.concurrent }),
  };
  const waker = timed(createPushWaker({ client, logger: deps.logger, signal: deps.signal }), deps);
  listenForPushes(deps, identities, waker);
  const hooks = await startHooks(deps, waker);
  return {
    controllers: [
      createImageRepositoryController(image),
      createImagePolicyController({
        ...image,
        noCrossNamespaceRefs: options.noCrossNamespaceRefs,
        requeueDependencyMs: options.requeueDependencyMs,
      }),
    ],
    ...(hooks !== undefined && { addresses: { hooks: `:${hooks.port}` } }),
    close: async () => {
      await hooks?.close();
      await http.close({ force: true });
    },
  };
}

/** Scans at once what ECR says was pushed; it ends with the process. */
function listenForPushes(deps: ControllerDeps, identities: AwsIdentities, waker: PushWaker): void {
  const { options, env, logger, signal } = deps;
  const { ecrEventsQueue: queueUrl } = options;
  if (queueUrl === undefined) return;
  const { endpoints } = parseAwsEnvironment(env);
  const defaultRegion = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'];
  void consumePushEvents({ queueUrl, defaultRegion, identities, endpoints, logger, onPush: waker.pushed }, signal);
}

/** Tells of the push as well, for the length of the delivery that begins with it. */
function timed({ pushed }: PushWaker, deps: ControllerDeps): PushWaker {
  return {
    async pushed(push) {
      const host = 'host' in push ? push.host : ecrHost(push.account, push.region);
      if (push.tag !== undefined) deps.pushed(`${host}/${push.repository}`, push.tag, push.time || Date.now());
      await pushed(push);
    },
  };
}

function ecrHost(account: string, region: string): string {
  return `${account}.dkr.ecr.${region}.${dnsSuffix(region)}`;
}
