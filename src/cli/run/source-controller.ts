import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MillraceError } from '../../base/error.ts';
import { createBucketController } from '../../controllers/bucket/controller.ts';
import { createGitRepositoryController } from '../../controllers/git-repository/controller.ts';
import { createRegistryAccess } from '../../controllers/image/registry-access.ts';
import { createOciRepositoryController } from '../../controllers/oci-repository/controller.ts';
import { startArtifactServer } from '../../controllers/source/artifact-server.ts';
import { createArtifactStore } from '../../controllers/source/artifact-store.ts';
import { leadServiceHere } from '../../controllers/source/service-endpoint.ts';
import { createUnservedController } from '../../controllers/unserved/controller.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { proxyFromEnv } from '../../http/proxy.ts';
import { parseListenAddress } from '../../runtime/process-server.ts';
import { version } from '../../version.ts';
import { awsIdentitiesOf, bucketIdentitiesOf, ecrLoginsOf } from './aws-identities.ts';
import type { ControllerDeps, ControllerPart } from './controllers.ts';
import { gitProvidersOf } from './git-providers.ts';
import type { RunOptions } from './options.ts';
import type { SharedParts } from './shared.ts';

/** Sources, and the server that hands out their artifacts. */
export async function assembleSourceController(deps: ControllerDeps, shared: SharedParts): Promise<ControllerPart> {
  const { client, options } = deps;
  const root = join(shared.storageDir, 'artifacts');
  const address = parseListenAddress(options.storageAddr, '--storage-addr') ?? { host: '127.0.0.1', port: 0 };
  const server = await startArtifactServer({
    root,
    port: address.port,
    ...(address.host === undefined ? {} : { host: address.host }),
  });
  const bound = `${address.host ?? ''}:${server.port}`;
  const store = createArtifactStore({
    root,
    advertisedHost: advertisedHost(options, address.host, server.port),
    algorithm: options.artifactDigestAlgo,
    retentionMs: options.artifactRetentionTtlMs,
    retentionRecords: options.artifactRetentionRecords,
  });
  shared.keepArtifactsAt((artifact) => store.fileOf(artifact));
  if (options.storageService !== undefined) {
    const place = { namespace: deps.namespace, service: options.storageService, address: podAddress(deps.env) };
    await leadServiceHere({ ...place, port: server.port }, client, deps.signal);
  }
  const source = {
    client,
    store,
    events: deps.events('source-controller'),
    requeueDependencyMs: options.requeueDependencyMs,
    intervalJitter: options.intervalJitter,
    ...(options.concurrent === undefined ? {} : { concurrency: options.concurrent }),
  };
  const mirrorsDir = join(shared.storageDir, 'git');
  const { env } = deps;
  const proxy = proxyFromEnv(env);
  const http = createHttpClient({
    headers: { 'user-agent': `millrace/${version}` },
    ...(proxy === undefined ? {} : { proxy }),
  });
  const objectLevelWorkloadIdentity = options.featureGates.get('ObjectLevelWorkloadIdentity') ?? false;
  const identities = awsIdentitiesOf('source-controller', deps);
  const registries = createRegistryAccess({
    client,
    http,
    ecr: ecrLoginsOf(identities, deps),
    endpoints: Object.fromEntries(options.registryEndpoints),
    defaultServiceAccount: options.defaultServiceAccount,
  });
  const providers = gitProvidersOf(options, { http, identities });
  const aws = { objectLevelWorkloadIdentity, defaultServiceAccount: options.defaultServiceAccount };
  return {
    controllers: [
      createGitRepositoryController({ ...source, git: shared.git, mirrorsDir, providers }),
      createOciRepositoryController({ ...source, registries, objectLevelWorkloadIdentity }),
      createUnservedController('HelmRepository', { client }),
      createUnservedController('HelmChart', { client }),
      createBucketController({ ...source, ...aws, http, identities: bucketIdentitiesOf(deps) }),
    ],
    addresses: { storage: bound },
    close: async () => {
      await server.close();
      await http.close({ force: true });
    },
  };
}

function podAddress(env: ControllerDeps['env']): string {
  const address = env['POD_IP'];
  if (address !== undefined && isIP(address) !== 0) return address;
  throw new MillraceError('BAD_INPUT', '--storage-service needs the address of the pod in POD_IP', {
    hint: 'Set it from status.podIP by a fieldRef.',
    retry: 'never',
  });
}

/** As Flux: the given one, else the address listened on, else the name of the machine. */
function advertisedHost({ storageAdvAddr }: RunOptions, host: string | undefined, port: number): string {
  if (storageAdvAddr !== undefined) return storageAdvAddr;
  const name = host === undefined || host === '0.0.0.0' || host === '::' ? hostname() : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}
