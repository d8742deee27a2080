import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../base/clock.ts';
import { listenError } from '../http-listener.ts';
import { serverCertificate } from '../tls.ts';
import { namespaceLifecycle } from './admission/namespace-lifecycle.ts';
import { podIdentity } from './admission/pod-identity.ts';
import { resourceQuota } from './admission/resource-quota.ts';
import { allocateServiceAddresses } from './admission/service-addresses.ts';
import { webhooksFor } from './admission/webhooks.ts';
import { createAuthenticator } from './auth/authenticate.ts';
import { openTokenIssuer } from './auth/token-issuer.ts';
import { bootstrap } from './bootstrap.ts';
import type { PullImage } from './controllers/kubelet.ts';
import { startApiControllers, startClusterControllers } from './controllers/start-controllers.ts';
import { type ApiServer, handleRequest } from './http/api-server.ts';
import { objectSubresources } from './http/object-subresources.ts';
import { reviewHandlers } from './http/reviews-handlers.ts';
import { builtinResources } from './kinds/builtin-resources.ts';
import type { Cluster } from './kinds/cluster.ts';
import { createRegistry } from './kinds/registry.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { openStore, type Store } from './storage/store.ts';

export interface KubernetesOptions {
  /** Where objects, keys and certificates are kept; the same folder is the same cluster. */
  dataDir: string;
  /** 0 or absent: a free one. */
  port?: number;
  /** The administrator's bearer token; made up and kept in the folder when absent. */
  token?: string;
  /** The region that pods with an AWS identity are told. */
  region?: string;
  /** Whether and as what an image can be pulled; without it every image can. */
  pullImage?: PullImage;
  /** Default true. Without, it is an API server alone: nothing brings objects to life. */
  controllers?: boolean;
  clock?: Clock;
}

export interface SandboxKubernetes {
  url: string;
  caPem: string;
  adminToken: string;
  /** The issuer of ServiceAccount tokens; its discovery document and keys are served without credentials. */
  issuer: string;
  /** A kubeconfig for the administrator. */
  kubeconfig(): string;
  /** Forgets the watch history, as etcd's compaction does: older resourceVersions are answered with 410. */
  compact(): void;
  close(): Promise<void>;
}

/**
 * Starts an embedded Kubernetes API on 127.0.0.1 over TLS, with stand-ins for the controllers and the kubelet. State is in
 * `dataDir` and survives a kill at any moment. Throws SANDBOX_PORT_IN_USE.
 */
export async function startKubernetes(options: KubernetesOptions): Promise<SandboxKubernetes> {
  const { dataDir, port = 0, clock = systemClock, region = 'eu-west-1' } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const { caPem, certPem, keyPem } = await serverCertificate(dataDir);
  const adminToken = options.token ?? keptSecret(join(dataDir, 'admin-token'));
  const issuer = openTokenIssuer(join(dataDir, 'service-account.key'));
  const server = createServer({ cert: certPem, key: keyPem, keepAliveTimeout: 120_000 });
  const url = `https://127.0.0.1:${await listen(server, port)}`;
  const store = await openStore(join(dataDir, 'objects'));
  const cluster = createCluster(store, clock, region);
  const authenticator = createAuthenticator(cluster, issuer, url, adminToken);
  const api: ApiServer = {
    cluster,
    authenticator,
    issuer,
    url,
    subresources: { ...objectSubresources(cluster), ...reviewHandlers(cluster, authenticator, issuer, url) },
  };
  const stopApi = startApiControllers(cluster);
  bootstrap(cluster, options.controllers !== false);
  const stopControllers =
    options.controllers === false ? () => {} : startClusterControllers(cluster, caPem, options.pullImage ?? anyImage);
  server.on('request', (request, response) => void handleRequest(api, request, response));
  return {
    url,
    caPem,
    adminToken,
    issuer: url,
    kubeconfig: () => kubeconfigText('millrace-sandbox', url, caPem, adminToken),
    compact: () => store.forgetHistory(),
    async close() {
      stopControllers();
      stopApi();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await store.close();
    },
  };
}

const anyImage: PullImage = async () => ({ digest: `sha256:${'0'.repeat(64)}` });

function createCluster(store: Store, clock: Clock, region: string): Cluster {
  const registry = createRegistry();
  registry.set('builtin', builtinResources());
  const cluster: Cluster = {
    store,
    registry,
    clock,
    admission: {
      admit(request) {
        namespaceLifecycle(cluster, request);
        podIdentity(store, region, request);
        resourceQuota(store, request);
      },
      webhooks: (request) => webhooksFor(cluster, request),
    },
    allocate(resource, object, old) {
      if (resource.storage === '/services') allocateServiceAddresses(store, object, old);
    },
  };
  return cluster;
}

function keptSecret(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const secret = randomBytes(24).toString('base64url');
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(listenError(cause, 'the Kubernetes API', '127.0.0.1', port)),
    );
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
