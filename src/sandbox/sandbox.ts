import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, systemClock } from '../base/clock.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import { type AwsAccount, registryHost } from './aws/account.ts';
import { type Aws, startAws } from './aws/start-aws.ts';
import { type GitPush, type GitServer, startGit } from './git/start-git.ts';
import type { HttpListener } from './http-listener.ts';
import { type SandboxKubernetes, startKubernetes } from './kubernetes/kubernetes.ts';
import { PersistentMap } from './persistent-map.ts';
import { createImagePuller, type PullImage } from './registry/pull-image.ts';
import { RepositoryStore } from './registry/repository-store.ts';
import { startRegistry } from './registry/start-registry.ts';
import { type SandboxAccess, writePrivateFile, writeSandboxAccess } from './sandbox-access.ts';

export type PartName = 'kubernetes' | 'aws' | 'registry' | 'git';

export interface SandboxOptions {
  /** Everything that the sandbox keeps is in this folder; a start on the same folder goes on where the last one ended. */
  dataDir: string;
  /** Default: account 000000000000 in eu-west-1. */
  account?: AwsAccount | undefined;
  /** Ports to use. Otherwise those of the last start, and at the first any that are free. */
  ports?: Partial<Record<PartName, number>> | undefined;
  /** Where git is looked for, in the form of PATH. */
  searchPath?: string | undefined;
  onPush?: ((push: GitPush) => void) | undefined;
  clock?: Clock | undefined;
  logger?: Logger | undefined;
}

/** A running sandbox. */
export interface Sandbox {
  kubernetes: SandboxKubernetes;
  aws: Aws;
  registry: HttpListener;
  git: GitServer;
  /** Addresses and credentials of every part; written to `sandbox.json` and `kubeconfig` in the data folder too. */
  access: SandboxAccess;
  close(): Promise<void>;
}

/** How EKS calls the sandbox's cluster. */
export const clusterName = 'sandbox';

const defaultAccount: AwsAccount = { partition: 'aws', id: '000000000000', region: 'eu-west-1' };

/**
 * Starts every part of the sandbox on 127.0.0.1. Ports and credentials are made once and kept, since the cluster's issuer, the
 * kubeconfig and the URLs in manifests have to stay true from one start to the next. Throws SANDBOX_PORT_IN_USE.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { dataDir, account = defaultAccount, clock = systemClock, logger = silentLogger } = options;
  const memory = new SandboxMemory(dataDir, options.ports ?? {});
  const closers: (() => Promise<void> | void)[] = [() => memory.close()];
  const closeAll = async () => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const repositories = new RepositoryStore(join(dataDir, 'registry'), clock);
    closers.push(() => repositories.close());

    // The kubelet stand-in begins with the cluster, before there is a registry to pull from.
    const puller = deferred<PullImage>();
    const kubernetes = await startKubernetes({
      dataDir: join(dataDir, 'kubernetes'),
      port: memory.port('kubernetes') ?? 0,
      region: account.region,
      pullImage: async (image, signal) => (await puller.promise)(image, signal),
    });
    closers.push(() => kubernetes.close());

    const aws = await startAws({
      dataDir: join(dataDir, 'aws'),
      account,
      repositories,
      clock,
      logger,
      trustedCaPem: [kubernetes.caPem],
      cluster: {
        name: clusterName,
        endpoint: kubernetes.url,
        caPem: kubernetes.caPem,
        issuer: kubernetes.issuer,
        version: '1.36',
      },
      port: memory.port('aws'),
    });
    closers.push(() => aws.close());

    const registry = await startRegistry({
      repositories,
      access: aws.registryAccess,
      registryId: account.id,
      port: memory.port('registry'),
      clock,
      logger,
    });
    closers.push(() => registry.close());
    const host = registryHost(account);
    puller.resolve(createImagePuller({ host, endpoint: registry.url, password: aws.nodeRegistryPassword }));

    const writer = { name: 'flux', password: memory.secret('git-write'), access: 'write' as const };
    const reader = { name: 'reader', password: memory.secret('git-read'), access: 'read' as const };
    const git = await startGit({
      dataDir: join(dataDir, 'git'),
      users: [writer, reader],
      port: memory.port('git'),
      searchPath: options.searchPath,
      onPush: options.onPush,
      logger,
    });
    closers.push(() => git.close());

    const access: SandboxAccess = {
      kubernetes: { url: kubernetes.url, issuer: kubernetes.issuer, kubeconfig: join(dataDir, 'kubeconfig') },
      aws: { url: aws.url, account, ...aws.administrator },
      registry: { url: registry.url, host },
      git: {
        url: git.url,
        username: writer.name,
        password: writer.password,
        reader: { username: reader.name, password: reader.password },
      },
    };
    memory.rememberPorts({ kubernetes: kubernetes.url, aws: aws.url, registry: registry.url, git: git.url });
    await writePrivateFile(access.kubernetes.kubeconfig, kubernetes.kubeconfig());
    await writeSandboxAccess(dataDir, access);
    return { kubernetes, aws, registry, git, access, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve: (value) => resolve(value) };
}

/** What has to be the same at the next start: ports, and passwords that were made up. */
class SandboxMemory {
  readonly #values: PersistentMap<string>;
  readonly #ports: Partial<Record<PartName, number>>;

  constructor(dataDir: string, ports: Partial<Record<PartName, number>>) {
    this.#values = new PersistentMap(join(dataDir, 'sandbox.jsonl'));
    this.#ports = ports;
  }

  port(part: PartName): number | undefined {
    const remembered = this.#values.get(`port/${part}`);
    return this.#ports[part] ?? (remembered === undefined ? undefined : Number(remembered));
  }

  rememberPorts(urls: Record<PartName, string>): void {
    for (const [part, url] of Object.entries(urls)) {
      const { port } = new URL(url);
      if (this.#values.get(`port/${part}`) !== port) this.#values.set(`port/${part}`, port);
    }
  }

  secret(name: string): string {
    const stored = this.#values.get(`secret/${name}`);
    if (stored !== undefined) return stored;
    const secret = randomBytes(18).toString('base64url');
    this.#values.set(`secret/${name}`, secret);
    return secret;
  }

  close(): void {
    this.#values.close();
  }
}
