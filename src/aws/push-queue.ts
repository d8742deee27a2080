import { isAbortError, sleep } from '../base/deadline.ts';
import { errorMessage } from '../base/error.ts';
import type { Logger } from '../base/logger.ts';
import { backoffDelayMs } from '../base/retry.ts';
import { awsError, awsErrorCode } from './aws-error.ts';
import { signedBy } from './clock-skew.ts';
import type { AwsEndpoints } from './environment.ts';
import type { AwsIdentities } from './identities.ts';
import { type AwsSession, formatIdentity } from './identity.ts';
import { type PushEvent, parsePushEvent } from './push-event.ts';
import { sdkTransport } from './sdk-transport.ts';

export interface PushQueueOptions {
  /** URL of the SQS queue that an EventBridge rule sends ECR's events to. */
  queueUrl: string;
  /** Region of the queue where its URL does not tell. */
  defaultRegion?: string | undefined;
  identities: AwsIdentities;
  endpoints: AwsEndpoints;
  logger: Logger;
  /** Called once for each event; the message is deleted when it returned, and delivered again when it threw. */
  onPush(event: PushEvent): Promise<void>;
}

/** Longest that SQS lets a request wait for messages, in seconds. */
const pollSeconds = 20;
const rememberedEvents = 2000;

/**
 * Takes push events from an SQS queue until the signal aborts. Failures are logged and retried with growing delays;
 * polling of the registries goes on meanwhile, so nothing is lost but time.
 */
export async function consumePushEvents(options: PushQueueOptions, signal: AbortSignal): Promise<void> {
  const { logger } = options;
  const seen = new Set<string>();
  let failures = 0;
  while (!signal.aborted) {
    try {
      await pollOnce(options, seen, signal);
      if (failures > 0) logger.info('push events are received again', { queue: options.queueUrl });
      failures = 0;
    } catch (error) {
      if (signal.aborted || isAbortError(error)) return;
      failures++;
      logger.warn(`push events cannot be received: ${errorMessage(error)}`, { queue: options.queueUrl, failures });
      await sleep(backoffDelayMs(failures, { firstDelayMs: 1000, maxDelayMs: 60_000 }), signal).catch(() => {});
    }
  }
}

async function pollOnce(options: PushQueueOptions, seen: Set<string>, signal: AbortSignal): Promise<void> {
  const { identities, queueUrl } = options;
  const region = regionOfQueue(queueUrl) ?? options.defaultRegion ?? 'us-east-1';
  const session = await identities.controller(region, signal);
  try {
    await receive(options, { session, region, seen, signal });
  } catch (error) {
    const failure = awsError(error, `SQS ReceiveMessage of ${queueUrl}`, formatIdentity(session.identity));
    if (/ExpiredToken/.test(awsErrorCode(failure) ?? '')) identities.drop(undefined, region);
    throw failure;
  }
}

interface ReceiveContext {
  session: AwsSession;
  region: string;
  seen: Set<string>;
  signal: AbortSignal;
}

async function receive(options: PushQueueOptions, { session, region, seen, signal }: ReceiveContext): Promise<void> {
  const { SQSClient, ReceiveMessageCommand, DeleteMessageBatchCommand } = await import('@aws-sdk/client-sqs');
  const { queueUrl: QueueUrl, endpoints, onPush } = options;
  const client = new SQSClient({
    region,
    ...signedBy(session.credentials),
    maxAttempts: 3,
    ...sdkTransport(endpoints),
    useQueueUrlAsEndpoint: endpoints.sqs === undefined,
    ...(endpoints.sqs !== undefined && { endpoint: endpoints.sqs }),
  });
  try {
    // The session is renewed by asking for it, which happens before every turn of this loop's owner.
    const command = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: pollSeconds, MaxNumberOfMessages: 10 });
    const { Messages: messages = [] } = await client.send(command, { abortSignal: signal });
    const done: { Id: string; ReceiptHandle: string }[] = [];
    for (const [index, { Body = '', ReceiptHandle }] of messages.entries()) {
      const event = parsePushEvent(Body);
      if (event !== undefined && !seen.has(event.id)) {
        await onPush(event);
        remember(seen, event.id);
      }
      if (ReceiptHandle !== undefined) done.push({ Id: String(index), ReceiptHandle });
    }
    if (done.length > 0)
      await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: done }), { abortSignal: signal });
  } finally {
    client.destroy();
  }
}

function remember(seen: Set<string>, id: string): void {
  seen.add(id);
  for (const oldest of seen) {
    if (seen.size <= rememberedEvents) break;
    seen.delete(oldest);
  }
}

/** `https://sqs.eu-west-1.amazonaws.com/111122223333/name` and its older form. */
export function regionOfQueue(queueUrl: string): string | undefined {
  const host = URL.canParse(queueUrl) ? new URL(queueUrl).hostname : '';
  return /^sqs(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1] ?? /^([a-z0-9-]+)\.queue\.amazonaws\./.exec(host)?.[1];
}
