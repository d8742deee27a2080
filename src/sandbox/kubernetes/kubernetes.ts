import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { listenError } from '../http-listener.ts';
import { serverCertificate } from '../tls.ts';
import { bootstrap } from './bootstrap.ts';
import { Cluster } from './controllers/cluster.ts';
import { crdStand } from './controllers/crds.ts';
import { collectGarbage } from './controllers/garbage.ts';
import { ControlLoop } from './controllers/loop.ts';
import { namespaceStand } from './controllers/namespaces.ts';
import { type PullImage, podStand } from './controllers/pods.ts';
import {
  daemonSetStand,
  deploymentStand,
  jobStand,
  replicaSetStand,
  statefulSetStand,
} from './controllers/workloads.ts';
import { podIdentityAdmission } from './identity-webhook.ts';
import { ObjectApi } from './object-api.ts';
import { ResourceRegistry } from './resources.ts';
import { ApiServer } from './server.ts';
import { TokenIssuer } from './service-account-tokens.ts';
import { ObjectStore, storeKey, storePrefix } from './store.ts';

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
}

export interface SandboxKubernetes {
  url: string;
  caPem: string;
  adminToken: string;
  /** The issuer of ServiceAccount tokens; its discovery document and keys are served without credentials. */
  issuer: string;
  /** A kubeconfig for the administrator. */
  kubeconfig(): string;
  close(): Promise<void>;
}

/**
 * Starts an embedded Kubernetes API on 127.0.0.1 over TLS, with stand-ins for the controllers and the kubelet. Throws
 * SANDBOX_PORT_IN_USE.
 */
export async function startKubernetes(options: KubernetesOptions): Promise<SandboxKubernetes> {
  const { dataDir, port = 0 } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const { caPem, certPem, keyPem } = await serverCertificate(dataDir);
  const adminToken = options.token ?? (await adminTokenOf(dataDir));
  const server = createServer({ cert: certPem, key: keyPem, keepAliveTimeout: 60_000 });
  const url = `https://127.0.0.1:${await listen(server, port)}`;
  const store = new ObjectStore(dataDir);
  const registry = new ResourceRegistry();
  const issuer = new TokenIssuer(dataDir, url);
  const api = new ObjectApi(store, podIdentityAdmission(store, options.region ?? 'eu-west-1'));
  const apiServer = new ApiServer({ store, registry, issuer, adminToken, api });
  const cluster = new Cluster(store, registry, api);
  const pullImage = options.controllers === false ? undefined : (options.pullImage ?? anyImage);
  const stopControllers = startControllers(cluster, caPem, pullImage);
  server.on('request', (request, response) => void apiServer.handle(request, response));
  return {
    url,
    caPem,
    adminToken,
    issuer: url,
    kubeconfig: () => kubeconfigOf(url, caPem, adminToken),
    close: async () => {
      stopControllers();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      store.close();
    },
  };
}

const anyImage: PullImage = async () => ({ digest: `sha256:${'0'.repeat(64)}` });

function startControllers(cluster: Cluster, caPem: string, pullImage: PullImage | undefined): () => void {
  const stopped = new AbortController();
  const { store, registry } = cluster;
  // Kinds that were defined before must be served from the first request on.
  const crds = storePrefix({ group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' });
  for (const crd of store.list(crds)) registry.addCrd(crd);
  const stands =
    pullImage === undefined
      ? [crdStand(cluster)]
      : [
          crdStand(cluster),
          namespaceStand(cluster, caPem),
          deploymentStand(cluster),
          replicaSetStand(cluster),
          statefulSetStand(cluster),
          daemonSetStand(cluster),
          jobStand(cluster),
          podStand(cluster, pullImage, stopped.signal),
        ];
  const loop = new ControlLoop(store, stands);
  const stopGarbage = collectGarbage(cluster, store);
  bootstrap(cluster);
  for (const resource of registry.all()) {
    if (!stands.some(({ kind }) => kind === resource.kind)) continue;
    for (const object of store.list(storePrefix(resource))) {
      loop.wake(storeKey(resource, object.metadata.namespace ?? '', object.metadata.name), object);
    }
  }
  return () => {
    stopped.abort();
    loop.close();
    stopGarbage();
  };
}

async function adminTokenOf(folder: string): Promise<string> {
  const path = join(folder, 'admin-token');
  if (existsSync(path)) return (await readFile(path, 'utf8')).trim();
  const token = randomBytes(24).toString('base64url');
  await writeFile(path, `${token}\n`, { mode: 0o600 });
  return token;
}

function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(listenError(cause, 'the Kubernetes API', '127.0.0.1', port)),
    );
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function kubeconfigOf(url: string, caPem: string, token: string): string {
  return `apiVersion: v1
kind: Config
current-context: millrace-sandbox
clusters:
  - name: millrace-sandbox
    cluster:
      server: ${url}
      certificate-authority-data: ${Buffer.from(caPem).toString('base64')}
contexts:
  - name: millrace-sandbox
    context:
      cluster: millrace-sandbox
      user: admin
users:
  - name: admin
    user:
      token: ${token}
`;
}
