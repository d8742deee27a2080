import { join } from 'node:path';
import { type Clock, systemClock } from '../../base/clock.ts';
import { type Logger, silentLogger } from '../../base/logger.ts';
import { PersistentMap } from '../persistent-map.ts';
import type { RegistryAccess } from '../registry/access.ts';
import type { RepositoryStore } from '../registry/repository-store.ts';
import { type AwsAccount, newId } from './account.ts';
import { mintRegistryPassword } from './ecr/authorization-token.ts';
import type { EcrContext } from './ecr/ecr-context.ts';
import { ecrService } from './ecr/ecr-service.ts';
import { ecrRegistryAccess } from './ecr/registry-access.ts';
import type { ClusterInfo, EksContext, PodIdentityAssociation } from './eks/eks-context.ts';
import { eksService } from './eks/eks-service.ts';
import { podIdentityAgent } from './eks/pod-identity-agent.ts';
import { ensureEcrEventsQueue } from './events/ecr-events-queue.ts';
import { EventBus } from './events/event-bus.ts';
import { eventsService } from './events/events-service.ts';
import { iamService } from './iam/iam-service.ts';
import { IamStore, type UserRecord } from './iam-store.ts';
import { sessionIdentity } from './identity.ts';
import { type AccessKey, KeyRing } from './key-ring.ts';
import { RateLimits } from './rate-limits.ts';
import { serveAws } from './server.ts';
import { QueueStore } from './sqs/queue-store.ts';
import type { SqsContext } from './sqs/sqs-context.ts';
import { sqsService } from './sqs/sqs-service.ts';
import { stsService } from './sts/sts-service.ts';
import { createVerificationKeys } from './sts/verification-keys.ts';

export interface AwsOptions {
  dataDir: string;
  /** What ECR's images are kept in; the registry serves the same. */
  repositories: RepositoryStore;
  account: AwsAccount;
  /** Certificate authorities that STS trusts when it asks an issuer for its keys; otherwise the public ones. */
  trustedCaPem?: readonly string[] | undefined;
  /** The cluster that EKS describes. */
  cluster?: ClusterInfo | undefined;
  /** The administrator's key pair; otherwise one is made at the first start and kept. */
  administrator?: AccessKey | undefined;
  port?: number | undefined;
  clock?: Clock | undefined;
  logger?: Logger | undefined;
}

/** A running AWS: STS, IAM, ECR, SQS, EventBridge and EKS of one account and region. */
export interface Aws {
  /** Endpoint of every service. The Pod Identity agent answers on its path `/v1/credentials`. */
  url: string;
  account: AwsAccount;
  /** Key pair of the user `administrator`, who may do everything. */
  administrator: AccessKey;
  /** How the registry judges its callers. */
  registryAccess: RegistryAccess;
  /** A registry login of the cluster's nodes, as their kubelet gets one for the node role. */
  nodeRegistryPassword(): string;
  /** The same as somebody has stored it more than twelve hours ago. */
  expiredRegistryPassword(): string;
  /** Limits the calls of an action per second (`ecr:GetAuthorizationToken`, `ecr:ListImages` …) to rehearse throttling. */
  setRateLimit(action: string, perSecond: number | undefined): void;
  /** Makes the queue that ECR's push events go to, with its rule, unless it is there; returns its URL. */
  ensureEcrEventsQueue(name: string): string;
  close(): Promise<void>;
}

const administratorName = 'administrator';
export const nodeRoleName = 'sandbox-node';

export async function startAws(options: AwsOptions): Promise<Aws> {
  const { dataDir, account, repositories, clock = systemClock, logger = silentLogger } = options;
  const keys = new KeyRing(dataDir);
  const iam = new IamStore(dataDir, account.partition);
  const queues = new QueueStore(dataDir, clock);
  const rateLimits = new RateLimits(clock);
  let endpoint = '';
  const context: EcrContext & SqsContext = {
    account,
    clock,
    keys,
    iam,
    rateLimits,
    repositories,
    queues,
    endpoint: () => endpoint,
  };
  const bus = new EventBus(dataDir, context, logger);
  const verificationKeys = createVerificationKeys({ trustedCaPem: options.trustedCaPem ?? [], clock });
  const associations = new PersistentMap<PodIdentityAssociation>(join(dataDir, 'pod-identity.jsonl'));
  const eks: EksContext = { ...context, cluster: options.cluster, associations, verificationKeys };
  repositories.onImageAction((action) => bus.putImageAction(action));
  const administrator = ensureAdministrator(context, options.administrator);
  ensureNodeRole(context);

  const listener = await serveAws({
    context,
    logger,
    port: options.port,
    services: [
      stsService(context, verificationKeys),
      iamService(context),
      ecrService(context),
      sqsService(context),
      eventsService(bus),
      eksService(eks),
    ],
    unsigned: [podIdentityAgent(eks)],
  });
  endpoint = listener.url;
  return {
    url: listener.url,
    account,
    administrator,
    registryAccess: ecrRegistryAccess(context),
    nodeRegistryPassword: () => nodePassword(context),
    expiredRegistryPassword: () => nodePassword({ ...context, clock: { now: () => context.clock.now() - dayMs } }),
    setRateLimit: (action, perSecond) => rateLimits.set(action, perSecond),
    ensureEcrEventsQueue: (name) => ensureEcrEventsQueue(name, context, bus),
    async close() {
      await listener.close();
      await verificationKeys.close();
      for (const store of [keys, iam, queues, bus, associations]) store.close();
    },
  };
}

/** The account as somebody who has just opened it finds it: one user who may do everything, with a key pair. */
function ensureAdministrator({ account, clock, iam, keys }: EcrContext, given: AccessKey | undefined): AccessKey {
  if (!iam.users.has(administratorName)) {
    const user: UserRecord = {
      name: administratorName,
      id: newId('AIDA'),
      arn: `arn:${account.partition}:iam::${account.id}:user/${administratorName}`,
      path: '/',
      createdAt: clock.now(),
      attached: [`arn:${account.partition}:iam::aws:policy/AdministratorAccess`],
      inline: {},
    };
    iam.users.set(user.name, user);
  }
  const present = keys.keysOf(administratorName);
  const wanted = given?.accessKeyId ?? present[0]?.accessKeyId;
  const stored = wanted === undefined ? undefined : keys.userKey(wanted);
  if (
    wanted !== undefined &&
    stored !== undefined &&
    (given === undefined || given.secretAccessKey === stored.secretAccessKey)
  ) {
    return { accessKeyId: wanted, secretAccessKey: stored.secretAccessKey };
  }
  for (const { accessKeyId } of present) keys.deleteUserKey(accessKeyId);
  return keys.createUserKey(administratorName, clock.now(), given);
}

/** The role that whoever creates a cluster gives its nodes: it can pull, and nothing else (spec/provisioning.md §2). */
function ensureNodeRole({ account, clock, iam }: EcrContext): void {
  if (iam.roles.has(nodeRoleName)) return;
  iam.roles.set(nodeRoleName, {
    name: nodeRoleName,
    id: newId('AROA'),
    arn: `arn:${account.partition}:iam::${account.id}:role/${nodeRoleName}`,
    path: '/',
    createdAt: clock.now(),
    trustPolicy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    }),
    description: "Role of the sandbox cluster's nodes",
    maxSessionDuration: 3600,
    tags: [],
    attached: [`arn:${account.partition}:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly`],
    inline: {},
  });
}

const dayMs = 24 * 3_600_000;

function nodePassword(context: EcrContext): string {
  const { account, iam } = context;
  const role = iam.roles.get(nodeRoleName);
  const claims = { roleArn: role?.arn ?? '', roleId: role?.id ?? '', sessionName: 'i-0sandbox', context: {} };
  const identity = sessionIdentity(iam, claims, account.id);
  // Somebody may delete the role to see what happens: then nothing can be pulled.
  return identity === undefined ? '' : mintRegistryPassword(identity, context).password;
}
