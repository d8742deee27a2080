import { createHash } from 'node:crypto';
import { isRecord } from '../../../base/json.ts';
import { AwsFault } from '../fault.ts';
import { userId } from '../identity.ts';
import { type JsonInput, objectList, optionalNumber, requiredText, textList } from '../json-input.ts';
import type { JsonOperation } from '../service.ts';
import type { QueueRecord, StoredMessage } from './queue-store.ts';
import { openQueue, type SqsContext } from './sqs-context.ts';

/** Messages: send, receive with long polling, delete, hide for longer. */
export function messageOperations(context: SqsContext): Record<string, JsonOperation> {
  const { queues } = context;
  return {
    SendMessage(input, call) {
      const queue = openQueue(context, call, 'sqs:SendMessage', input);
      const body = requiredText(input, 'MessageBody');
      const delaySeconds = optionalNumber(input, 'DelaySeconds');
      const attributes = input['MessageAttributes'];
      const message = queues.send(queue, {
        body,
        senderId: userId(call.identity),
        ...(delaySeconds === undefined ? {} : { delaySeconds }),
        ...(isRecord(attributes) ? { attributes } : {}),
      });
      return { MessageId: message.id, MD5OfMessageBody: md5(body) };
    },

    async ReceiveMessage(input, call) {
      const queue = openQueue(context, call, 'sqs:ReceiveMessage', input);
      const max = inRange(optionalNumber(input, 'MaxNumberOfMessages') ?? 1, 1, 10, 'MaxNumberOfMessages');
      const wait = optionalNumber(input, 'WaitTimeSeconds') ?? setting(queue, 'ReceiveMessageWaitTimeSeconds', 0);
      inRange(wait, 0, 20, 'WaitTimeSeconds');
      const visibility = optionalNumber(input, 'VisibilityTimeout') ?? setting(queue, 'VisibilityTimeout', 30);
      const names = [
        ...(textList(input, 'AttributeNames') ?? []),
        ...(textList(input, 'MessageSystemAttributeNames') ?? []),
      ];
      const deadline = Date.now() + wait * 1000;
      for (;;) {
        // The caller went away: a message handed to nobody would be hidden for nothing.
        if (call.signal.aborted) return {};
        const messages = queues.receive(queue, max, visibility);
        if (messages.length > 0) return { Messages: messages.map((message) => describeMessage(message, names)) };
        const left = deadline - Date.now();
        if (left <= 0 || queues.get(queue.name) === undefined) return {};
        await arrival(context, queue.name, left, call.signal);
      }
    },

    DeleteMessage(input, call) {
      const queue = openQueue(context, call, 'sqs:DeleteMessage', input);
      deleteByReceipt(context, queue, requiredText(input, 'ReceiptHandle'));
      return {};
    },

    DeleteMessageBatch(input, call) {
      const queue = openQueue(context, call, 'sqs:DeleteMessage', input);
      const ids = (objectList(input, 'Entries') ?? []).map((entry) => {
        deleteByReceipt(context, queue, requiredText(entry, 'ReceiptHandle'));
        return { Id: requiredText(entry, 'Id') };
      });
      return { Successful: ids, Failed: [] };
    },

    ChangeMessageVisibility(input, call) {
      const queue = openQueue(context, call, 'sqs:ChangeMessageVisibility', input);
      changeVisibility(context, queue, input);
      return {};
    },

    ChangeMessageVisibilityBatch(input, call) {
      const queue = openQueue(context, call, 'sqs:ChangeMessageVisibility', input);
      const ids = (objectList(input, 'Entries') ?? []).map((entry) => {
        changeVisibility(context, queue, entry);
        return { Id: requiredText(entry, 'Id') };
      });
      return { Successful: ids, Failed: [] };
    },
  };
}

/** Resolves when a message may have become visible, when the time is up, or when the caller has gone. */
function arrival({ queues, clock }: SqsContext, name: string, waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const visibleIn = (queues.nextVisibleAt(name) ?? Number.POSITIVE_INFINITY) - clock.now();
    const timer = setTimeout(done, Math.max(1, Math.min(waitMs, visibleIn)));
    const forget = queues.onArrival(name, done);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      forget();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** Deleting what was received again by somebody else succeeds and deletes nothing, as in SQS. */
function deleteByReceipt({ queues }: SqsContext, queue: QueueRecord, receipt: string): void {
  requireReceipt(receipt);
  const message = queues.findByReceipt(queue.name, receipt);
  if (message !== undefined) queues.deleteMessage(queue.name, message.id);
}

function changeVisibility({ queues }: SqsContext, queue: QueueRecord, input: JsonInput): void {
  const receipt = requiredText(input, 'ReceiptHandle');
  requireReceipt(receipt);
  const seconds = inRange(optionalNumber(input, 'VisibilityTimeout') ?? 30, 0, 43_200, 'VisibilityTimeout');
  const message = queues.findByReceipt(queue.name, receipt);
  if (message === undefined) {
    throw new AwsFault(
      'InvalidParameterValue',
      `Value ${receipt} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
    );
  }
  queues.setVisibility(queue.name, message, seconds);
}

function requireReceipt(receipt: string): void {
  if (/^[0-9a-f-]{36}:[0-9a-f-]{36}$/.test(receipt)) return;
  throw new AwsFault(
    'com.amazonaws.sqs#ReceiptHandleIsInvalid',
    `The input receipt handle "${receipt}" is not a valid receipt handle.`,
  );
}

function describeMessage(message: StoredMessage, names: readonly string[]): object {
  const system: Record<string, string> = {
    SenderId: message.senderId,
    SentTimestamp: String(message.sentAt),
    ApproximateReceiveCount: String(message.receives),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt ?? message.sentAt),
  };
  const wanted = names.includes('All')
    ? system
    : Object.fromEntries(Object.entries(system).filter(([n]) => names.includes(n)));
  return {
    MessageId: message.id,
    ReceiptHandle: message.receipt,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(Object.keys(wanted).length === 0 ? {} : { Attributes: wanted }),
    ...(message.attributes === undefined ? {} : { MessageAttributes: message.attributes }),
  };
}

function setting(queue: QueueRecord, name: string, fallback: number): number {
  return Number(queue.attributes[name] ?? fallback);
}

function inRange(value: number, from: number, to: number, name: string): number {
  if (value >= from && value <= to) return value;
  throw new AwsFault(
    'InvalidParameterValue',
    `Value ${value} for parameter ${name} is invalid. Reason: Must be between ${from} and ${to}, if provided.`,
  );
}

/** SQS's checksum of a body; not a matter of security. */
function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
