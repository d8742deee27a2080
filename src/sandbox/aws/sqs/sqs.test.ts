import { CreateRepositoryCommand, ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import * as sqsSdk from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestCloud, type TestCloud } from '../../../../test/support/sandbox-cloud.ts';
import { pushSmallImage } from '../../registry/push-image.ts';

let cloud: TestCloud;
let sqs: sqsSdk.SQSClient;
let QueueUrl: string;

beforeEach(async () => {
  cloud = await startTestCloud();
  connect();
  const made = await sqs.send(
    new sqsSdk.CreateQueueCommand({ QueueName: 'q', Attributes: { VisibilityTimeout: '1' } }),
  );
  QueueUrl = made.QueueUrl ?? '';
});
afterEach(() => cloud.close());

function connect() {
  sqs = new sqsSdk.SQSClient({
    endpoint: cloud.aws.url,
    region: 'eu-west-1',
    credentials: cloud.aws.administrator,
    maxAttempts: 1,
  });
}
const send = (MessageBody: string, more: object = {}) =>
  sqs.send(new sqsSdk.SendMessageCommand({ QueueUrl, MessageBody, ...more }));
const receive = async (more: object = {}) =>
  (await sqs.send(new sqsSdk.ReceiveMessageCommand({ QueueUrl, ...more }))).Messages ?? [];

describe('a message', () => {
  test('is received once until its time is up, then again, then deleted', async () => {
    await send('hello');
    const [first] = await receive();
    expect(first?.Body).toBe('hello');
    expect(await receive()).toEqual([]);
    cloud.advance(1001);
    const [second] = await receive({ MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(second?.Attributes).toEqual({ ApproximateReceiveCount: '2' });
    // The first receipt is void: somebody else has the message now.
    await sqs.send(new sqsSdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
    cloud.advance(1001);
    const [third] = await receive();
    await sqs.send(new sqsSdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle: third?.ReceiptHandle }));
    cloud.advance(1001);
    expect(await receive()).toEqual([]);
  });

  test('wakes whoever waits for it', async () => {
    const started = Date.now();
    const waiting = receive({ WaitTimeSeconds: 10 });
    setTimeout(() => void send('now'), 100);
    expect((await waiting)[0]?.Body).toBe('now');
    expect(Date.now() - started).toBeLessThan(2000);
  });

  test('that becomes visible wakes whoever waits', async () => {
    await send('again');
    await receive();
    expect((await receive({ WaitTimeSeconds: 5 }))[0]?.Body).toBe('again');
  });

  test('is hidden for longer, or given back', async () => {
    await send('x');
    const [message] = await receive();
    const change = (VisibilityTimeout: number) =>
      sqs.send(
        new sqsSdk.ChangeMessageVisibilityCommand({
          QueueUrl,
          ReceiptHandle: message?.ReceiptHandle,
          VisibilityTimeout,
        }),
      );
    await change(60);
    cloud.advance(30_000);
    connect();
    expect(await receive()).toEqual([]);
    await change(0);
    expect(await receive()).toHaveLength(1);
  });

  test('is there after a restart', async () => {
    await send('kept');
    await cloud.restart();
    connect();
    const found = await sqs.send(new sqsSdk.GetQueueUrlCommand({ QueueName: 'q' }));
    QueueUrl = found.QueueUrl ?? '';
    expect((await receive())[0]?.Body).toBe('kept');
  });

  test('that nobody can process goes to the dead letters', async () => {
    const dead = await sqs.send(new sqsSdk.CreateQueueCommand({ QueueName: 'dead' }));
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: 'arn:aws:sqs:eu-west-1:000000000000:dead',
      maxReceiveCount: 2,
    });
    await sqs.send(new sqsSdk.SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy } }));
    await send('bad');
    for (let i = 0; i < 3; i++) {
      await receive();
      cloud.advance(1001);
    }
    expect(await receive()).toEqual([]);
    QueueUrl = dead.QueueUrl ?? '';
    expect((await receive())[0]?.Body).toBe('bad');
  });
});

test('up to ten at a time, oldest first', async () => {
  for (let i = 0; i < 12; i++) await send(String(i));
  expect((await receive({ MaxNumberOfMessages: 10 })).map(({ Body }) => Body)).toEqual([...'0123456789']);
  await expect(receive({ MaxNumberOfMessages: 11 })).rejects.toThrow('Must be between 1 and 10');
});

test('counts what is in the queue', async () => {
  await send('a');
  await send('b');
  await send('c', { DelaySeconds: 60 });
  await receive();
  const { Attributes } = await sqs.send(new sqsSdk.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  expect(Attributes).toMatchObject({
    QueueArn: 'arn:aws:sqs:eu-west-1:000000000000:q',
    ApproximateNumberOfMessages: '1',
    ApproximateNumberOfMessagesNotVisible: '1',
    ApproximateNumberOfMessagesDelayed: '1',
    VisibilityTimeout: '1',
  });
});

test('a queue that does not exist is named so', async () => {
  await expect(sqs.send(new sqsSdk.GetQueueUrlCommand({ QueueName: 'nope' }))).rejects.toMatchObject({
    name: 'QueueDoesNotExist',
    message: 'The specified queue does not exist.',
  });
});

describe('push events of the registry', () => {
  const repositoryName = 'apps/a';
  async function push(tag: string) {
    const ecr = new ECRClient({ endpoint: cloud.aws.url, region: 'eu-west-1', credentials: cloud.aws.administrator });
    await ecr.send(new CreateRepositoryCommand({ repositoryName })).catch(() => undefined);
    const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
    const token = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64').toString();
    const target = { endpoint: cloud.registry.url, username: 'AWS', password: token.slice(4) };
    return pushSmallImage({ repository: repositoryName, tag, createdAt: 0 }, target, new AbortController().signal);
  }

  test('reach the queue in the shape of EventBridge', async () => {
    QueueUrl = cloud.aws.ensureEcrEventsQueue('ecr-events');
    const waiting = receive({ WaitTimeSeconds: 10 });
    const digest = await push('1.0.0');
    const event = JSON.parse((await waiting)[0]?.Body ?? '');
    expect(event).toMatchObject({
      version: '0',
      'detail-type': 'ECR Image Action',
      source: 'aws.ecr',
      account: '000000000000',
      region: 'eu-west-1',
      resources: [],
      detail: {
        result: 'SUCCESS',
        'repository-name': 'apps/a',
        'image-digest': digest,
        'action-type': 'PUSH',
        'image-tag': '1.0.0',
      },
    });
    expect(event.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test('are lost when the queue does not let EventBridge send', async () => {
    QueueUrl = cloud.aws.ensureEcrEventsQueue('ecr-events');
    await sqs.send(new sqsSdk.SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: '' } }));
    await push('1.0.0');
    expect(await receive()).toEqual([]);
  });
});
