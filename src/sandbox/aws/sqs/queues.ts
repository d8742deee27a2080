import { isMillraceError } from '../../../base/error.ts';
import { parsePolicy } from '../../../iam/policy-document.ts';
import { AwsFault } from '../fault.ts';
import { optionalText, requiredText, textList, textMap } from '../json-input.ts';
import type { JsonOperation } from '../service.ts';
import type { QueueRecord } from './queue-store.ts';
import { noSuchQueue, openQueue, queueArn, queueUrl, type SqsContext } from './sqs-context.ts';

/** Attributes that may be set, with their defaults. */
const defaults: Readonly<Record<string, string | undefined>> = {
  VisibilityTimeout: '30',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  DelaySeconds: '0',
  ReceiveMessageWaitTimeSeconds: '0',
  SqsManagedSseEnabled: 'true',
  Policy: undefined,
  RedrivePolicy: undefined,
  RedriveAllowPolicy: undefined,
  KmsMasterKeyId: undefined,
  KmsDataKeyReusePeriodSeconds: undefined,
};

/** Queues: create, find, describe, change, delete. */
export function queueOperations(context: SqsContext): Record<string, JsonOperation> {
  const { clock, queues } = context;
  return {
    CreateQueue(input, call) {
      const name = requiredText(input, 'QueueName');
      call.require('sqs:CreateQueue', queueArn(context, name));
      if (!/^[\w-]{1,80}$/.test(name)) {
        throw new AwsFault(
          'InvalidParameterValue',
          'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
        );
      }
      const attributes = checkedAttributes(textMap(input, 'Attributes'));
      const present = queues.get(name);
      const differs = Object.entries(attributes).some(
        ([key, value]) => present !== undefined && (present.attributes[key] ?? defaults[key]) !== value,
      );
      if (differs) {
        throw new AwsFault(
          'com.amazonaws.sqs#QueueNameExists',
          'A queue already exists with the same name and a different value for one or more attributes',
        );
      }
      if (present === undefined)
        queues.save({ name, attributes, createdAt: clock.now(), tags: textMap(input, 'tags') });
      return { QueueUrl: queueUrl(context, name) };
    },

    GetQueueUrl(input, call) {
      const name = requiredText(input, 'QueueName');
      const queue = queues.get(name);
      call.require('sqs:GetQueueUrl', queueArn(context, name), { resourcePolicy: queue?.attributes['Policy'] });
      if (queue === undefined) throw noSuchQueue();
      return { QueueUrl: queueUrl(context, name) };
    },

    ListQueues(input, call) {
      call.require('sqs:ListQueues', queueArn(context, '*'));
      const prefix = optionalText(input, 'QueueNamePrefix') ?? '';
      const names = queues.list().flatMap(({ name }) => (name.startsWith(prefix) ? [name] : []));
      return { QueueUrls: names.sort().map((name) => queueUrl(context, name)) };
    },

    GetQueueAttributes(input, call) {
      const queue = openQueue(context, call, 'sqs:GetQueueAttributes', input);
      const wanted = textList(input, 'AttributeNames') ?? [];
      const all = describeQueue(context, queue);
      return { Attributes: wanted.includes('All') ? all : pick(all, wanted) };
    },

    SetQueueAttributes(input, call) {
      const queue = openQueue(context, call, 'sqs:SetQueueAttributes', input);
      const changed = checkedAttributes(textMap(input, 'Attributes'));
      const attributes = Object.fromEntries(
        // An empty value takes an attribute away.
        Object.entries({ ...queue.attributes, ...changed }).filter(([, value]) => value !== ''),
      );
      queues.save({ ...queue, attributes });
      return {};
    },

    PurgeQueue(input, call) {
      queues.purge(openQueue(context, call, 'sqs:PurgeQueue', input).name);
      return {};
    },

    DeleteQueue(input, call) {
      queues.delete(openQueue(context, call, 'sqs:DeleteQueue', input).name);
      return {};
    },

    TagQueue(input, call) {
      const queue = openQueue(context, call, 'sqs:TagQueue', input);
      queues.save({ ...queue, tags: { ...queue.tags, ...textMap(input, 'Tags') } });
      return {};
    },

    ListQueueTags(input, call) {
      return { Tags: openQueue(context, call, 'sqs:ListQueueTags', input).tags };
    },
  };
}

function describeQueue(context: SqsContext, queue: QueueRecord): Record<string, string> {
  const { visible, inFlight, delayed } = context.queues.count(queue.name);
  const created = String(Math.floor(queue.createdAt / 1000));
  const settings = Object.entries({ ...defaults, ...queue.attributes }).filter(([, value]) => value !== undefined);
  return {
    ...(Object.fromEntries(settings) as Record<string, string>),
    QueueArn: queueArn(context, queue.name),
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: created,
    LastModifiedTimestamp: created,
  };
}

function pick(all: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}

function checkedAttributes(attributes: Record<string, string>): Record<string, string> {
  for (const [name, value] of Object.entries(attributes)) {
    if (!Object.hasOwn(defaults, name)) throw new AwsFault('InvalidAttributeName', `Unknown Attribute ${name}.`);
    if (name === 'Policy' && value !== '') requirePolicy(value);
  }
  return attributes;
}

function requirePolicy(policy: string): void {
  try {
    parsePolicy(policy, 'resource');
  } catch (error) {
    if (!isMillraceError(error, 'IAM_POLICY_MALFORMED')) throw error;
    throw new AwsFault('InvalidAttributeValue', 'Invalid value for the parameter Policy.');
  }
}
