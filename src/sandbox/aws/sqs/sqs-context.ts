import { AwsFault } from '../fault.ts';
import { type JsonInput, requiredText } from '../json-input.ts';
import type { AwsContext, SignedCall } from '../service.ts';
import type { QueueRecord, QueueStore } from './queue-store.ts';

export interface SqsContext extends AwsContext {
  queues: QueueStore;
  /** Base URL of the server, of which queue URLs are made. */
  endpoint(): string;
}

export function queueArn({ account }: AwsContext, name: string): string {
  return `arn:${account.partition}:sqs:${account.region}:${account.id}:${name}`;
}

export function queueUrl({ account, endpoint }: SqsContext, name: string): string {
  return `${endpoint()}/${account.id}/${name}`;
}

/** The queue that a call names by its URL, once the caller may do `action` to it. */
export function openQueue(context: SqsContext, call: SignedCall, action: string, input: JsonInput): QueueRecord {
  const name = requiredText(input, 'QueueUrl').split('/').at(-1) ?? '';
  const queue = context.queues.get(name);
  call.require(action, queueArn(context, name), { resourcePolicy: queue?.attributes['Policy'] });
  if (queue === undefined) throw noSuchQueue();
  return queue;
}

export function noSuchQueue(): AwsFault {
  return new AwsFault('com.amazonaws.sqs#QueueDoesNotExist', 'The specified queue does not exist.');
}
