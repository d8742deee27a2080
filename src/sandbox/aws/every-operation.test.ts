import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { RepositoryStore } from '../registry/repository-store.ts';
import { ecrService } from './ecr/ecr-service.ts';
import { EventBus } from './events/event-bus.ts';
import { eventsService } from './events/events-service.ts';
import { iamService } from './iam/iam-service.ts';
import { IamStore } from './iam-store.ts';
import { userIdentity } from './identity.ts';
import { KeyRing } from './key-ring.ts';
import { QueryParams } from './query-params.ts';
import { RateLimits } from './rate-limits.ts';
import type { SignedCall } from './service.ts';
import { QueueStore } from './sqs/queue-store.ts';
import { sqsService } from './sqs/sqs-service.ts';

const dir = mkdtempSync(join(tmpdir(), 'millrace-aws-'));
const account = { partition: 'aws', id: '000000000000', region: 'eu-west-1' };
const keys = new KeyRing(dir);
const iam = new IamStore(dir, 'aws');
const queues = new QueueStore(dir, systemClock);
const repositories = new RepositoryStore(join(dir, 'registry'), systemClock);
const rateLimits = new RateLimits(systemClock);
const endpoint = () => 'http://127.0.0.1';
const context = { account, clock: systemClock, keys, iam, rateLimits, queues, repositories, endpoint };
const bus = new EventBus(dir, context, silentLogger);
afterAll(() => {
  for (const store of [keys, iam, queues, repositories, bus]) store.close();
  rmSync(dir, { recursive: true });
});

const user = { name: 'nobody', id: 'AIDA', arn: 'arn:aws:iam::000000000000:user/nobody', path: '/', createdAt: 0 };
iam.users.set('nobody', { ...user, attached: [], inline: {} });
const identity = userIdentity(iam, 'nobody', account.id);

/** A caller who may do nothing: whoever asks for permission learns so at once. */
const call: SignedCall = {
  identity: identity as NonNullable<typeof identity>,
  requestId: 'r',
  signal: new AbortController().signal,
  require(action) {
    throw new Error(`denied ${action}`);
  },
};

const form = new QueryParams(
  new URLSearchParams({
    RoleName: 'r',
    UserName: 'u',
    PolicyName: 'p',
    PolicyArn: 'arn:aws:iam::000000000000:policy/p',
    PolicySourceArn: 'arn:aws:iam::000000000000:role/r',
    OpenIDConnectProviderArn: 'arn:aws:iam::000000000000:oidc-provider/x',
    Url: 'https://x',
  }).toString(),
);
const input = {
  repositoryName: 'a/b',
  resourceArn: 'arn:aws:ecr:eu-west-1:000000000000:repository/a/b',
  QueueName: 'q',
  QueueUrl: 'http://127.0.0.1/000000000000/q',
  Name: 'r',
  Rule: 'r',
  ResourceARN: 'arn:aws:events:eu-west-1:000000000000:rule/r',
};

const operations = [
  ...Object.entries(iamService(context).operations).map(([name, run]) => ['iam', name, () => run(form, call)] as const),
  ...[ecrService(context), sqsService(context), eventsService(bus)].flatMap((service) =>
    Object.entries(service.operations).map(([name, run]) => [service.name, name, () => run(input, call)] as const),
  ),
];

// No operation may do anything, or tell whether something exists, before it has asked for permission.
test.each(operations)('%s %s asks first', async (service, _, run) => {
  await expect((async () => run())()).rejects.toThrow(new RegExp(`^denied ${service}:\\w+$`));
});
