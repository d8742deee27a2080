import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import type { AwsIdentities } from './identities.ts';
import type { PushEvent } from './push-event.ts';
import { consumePushEvents } from './push-queue.ts';

const body = (id: string, tag: string) =>
  JSON.stringify({
    id,
    source: 'aws.ecr',
    'detail-type': 'ECR Image Action',
    account: '1',
    region: 'eu-west-1',
    detail: { 'action-type': 'PUSH', result: 'SUCCESS', 'repository-name': 'app', 'image-tag': tag },
  });

test('events are handed on once each and deleted afterwards; a failed hand-over leaves them in the queue', async () => {
  const batches = [[body('a', '1.0.0'), 'rubbish'], [body('a', '1.0.0'), body('b', '1.0.1')], [body('b', '1.0.1')]];
  const deleted: string[][] = [];
  const end = new AbortController();
  const server = createServer(async (request, response) => {
    const input = JSON.parse(await text(request)) as { Entries?: { ReceiptHandle: string }[] };
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    if (request.headers['x-amz-target'] === 'AmazonSQS.ReceiveMessage') {
      const messages = batches.shift();
      if (messages === undefined) return end.abort();
      const Messages = messages.map((Body, index) => ({
        Body,
        MessageId: String(index),
        ReceiptHandle: 'r',
        MD5OfBody: createHash('md5').update(Body).digest('hex'),
      }));
      return response.end(JSON.stringify({ Messages }));
    }
    deleted.push((input.Entries ?? []).map(({ ReceiptHandle }) => ReceiptHandle));
    return response.end(JSON.stringify({ Successful: [], Failed: [] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sqs = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const session = {
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    identity: { provider: 'static', arn: 'arn:aws:iam::1:user/x' },
  } as const;
  const identities: AwsIdentities = {
    controller: async () => session,
    serviceAccount: async () => session,
    drop: () => {},
  };
  const handled: PushEvent[] = [];
  let refusals = 1;
  await consumePushEvents(
    {
      queueUrl: `${sqs}/1/ecr`,
      identities,
      endpoints: { sqs },
      logger: silentLogger,
      onPush: async (event) => {
        if (event.id === 'b' && refusals-- > 0) throw new Error('the cluster is away');
        handled.push(event);
      },
    },
    end.signal,
  );
  await new Promise((resolve) => server.close(resolve));
  expect(handled.map(({ tag }) => tag)).toEqual(['1.0.0', '1.0.1']);
  expect(deleted).toHaveLength(2);
}, 20_000);
