import type { SQSClient } from '@aws-sdk/client-sqs';
import type { EventBridge } from '../aws/event-bridge.ts';
import { deepEqual, isRecord } from '../base/json.ts';
import type { PolicyDocument } from '../iam/policy-document.ts';
import { found } from './apply-aws.ts';
import type { EventsModel } from './aws-model.ts';
import { madeByTag } from './made-by.ts';
import type { Step } from './plan.ts';
import { widenedSenders } from './widening.ts';

export interface EventsClients {
  sqs: SQSClient;
  events: EventBridge;
}

/** The attributes are terraform's (`terraform/events.ts`): unread events stay an hour, what cannot be read two weeks. */
function queueAttributes({ queuePolicy, unreadArn }: EventsModel): Record<string, string> {
  return {
    MessageRetentionPeriod: '3600',
    ReceiveMessageWaitTimeSeconds: '20',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: unreadArn, maxReceiveCount: 5 }),
    Policy: JSON.stringify(queuePolicy),
  };
}

/** Queues before the rule that sends to them. */
export async function planEvents(model: EventsModel, clients: EventsClients, signal: AbortSignal): Promise<Step[]> {
  return [
    ...(await planQueue(
      { QueueName: model.unreadName, attributes: { MessageRetentionPeriod: '1209600' }, model },
      clients,
      signal,
    )),
    ...(await planQueue({ QueueName: model.name, attributes: queueAttributes(model), model }, clients, signal)),
    ...(await planRule(model, clients, signal)),
  ];
}

async function planQueue(
  { QueueName, attributes, model }: { QueueName: string; attributes: Record<string, string>; model: EventsModel },
  { sqs }: EventsClients,
  signal: AbortSignal,
): Promise<Step[]> {
  const aws = await import('@aws-sdk/client-sqs');
  const abort = { abortSignal: signal };
  const existing = await found(sqs.send(new aws.GetQueueUrlCommand({ QueueName }), abort));
  if (existing === undefined) {
    const input = { QueueName, Attributes: attributes, tags: { [madeByTag.Key]: madeByTag.Value } };
    const run = async () => void (await sqs.send(new aws.CreateQueueCommand(input), abort));
    return [{ action: 'create', what: `SQS queue ${QueueName}`, run }];
  }
  const { QueueUrl } = existing;
  const query = new aws.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] });
  const live: Readonly<Record<string, string | undefined>> = (await sqs.send(query, abort)).Attributes ?? {};
  const differing = Object.entries(attributes).filter(([name, value]) => !isSame(live[name], value));
  if (differing.length === 0) return [];
  const input = { QueueUrl, Attributes: Object.fromEntries(differing) };
  return [
    {
      action: 'update',
      what: `SQS queue ${QueueName}: ${differing.map(([name]) => name).join(', ')}`,
      details: differing.map(([name, value]) => `${name} is ${live[name] ?? 'unset'} and becomes ${value}`),
      ...(differing.some(([name]) => name === 'Policy') && {
        widens: widenedSenders(policyOf(live['Policy']), model.queuePolicy, model),
      }),
      run: async () => void (await sqs.send(new aws.SetQueueAttributesCommand(input), abort)),
    },
  ];
}

function policyOf(text: string | undefined): PolicyDocument | undefined {
  return text === undefined || text === '' ? undefined : (JSON.parse(text) as PolicyDocument);
}

/** Documents among the attributes are compared as such. */
function isSame(live: string | undefined, wanted: string): boolean {
  if (live === undefined || !wanted.startsWith('{')) return live === wanted;
  try {
    return deepEqual(JSON.parse(live), JSON.parse(wanted));
  } catch {
    return false;
  }
}

async function planRule(
  { name, pattern, queueArn }: EventsModel,
  { events }: EventsClients,
  signal: AbortSignal,
): Promise<Step[]> {
  const existing = await found(events('DescribeRule', { Name: name }, signal));
  const tags = existing === undefined ? { Tags: [madeByTag] } : {};
  const put = async () => {
    const Description = 'An image was pushed to a repository that is scanned';
    await events(
      'PutRule',
      { Name: name, EventPattern: JSON.stringify(pattern), Description, State: 'ENABLED', ...tags },
      signal,
    );
    await events('PutTargets', { Rule: name, Targets: [{ Id: name, Arn: queueArn }] }, signal);
  };
  if (existing === undefined) return [{ action: 'create', what: `EventBridge rule ${name}`, run: put }];
  const { Targets = [] } = await events('ListTargetsByRule', { Rule: name }, signal);
  const isSent = Array.isArray(Targets) && Targets.some((target) => isRecord(target) && target['Arn'] === queueArn);
  const isSamePattern = isSame(String(existing['EventPattern'] ?? ''), JSON.stringify(pattern));
  if (isSent && isSamePattern && existing['State'] === 'ENABLED') return [];
  return [{ action: 'update', what: `EventBridge rule ${name}`, run: put }];
}

/** The rule first: nothing is sent to a queue that is gone. Of what was made by provisioning alone. */
export async function planEventsRemoval(
  { name, unreadName, ruleArn }: EventsModel,
  { sqs, events }: EventsClients,
  signal: AbortSignal,
): Promise<{ steps: Step[]; kept: string[] }> {
  const aws = await import('@aws-sdk/client-sqs');
  const abort = { abortSignal: signal };
  const plan: { steps: Step[]; kept: string[] } = { steps: [], kept: [] };
  if ((await found(events('DescribeRule', { Name: name }, signal))) !== undefined) {
    const { Tags } = await events('ListTagsForResource', { ResourceARN: ruleArn }, signal);
    const isOurs = Array.isArray(Tags) && Tags.some((tag) => isRecord(tag) && tag['Key'] === madeByTag.Key);
    const run = async () => {
      await events('RemoveTargets', { Rule: name, Ids: [name] }, signal);
      await events('DeleteRule', { Name: name }, signal);
    };
    if (isOurs) plan.steps.push({ action: 'delete', what: `EventBridge rule ${name}`, run });
    else plan.kept.push(`EventBridge rule ${name}: it was there before`);
  }
  for (const QueueName of [name, unreadName]) {
    const existing = await found(sqs.send(new aws.GetQueueUrlCommand({ QueueName }), abort));
    if (existing === undefined) continue;
    const { QueueUrl } = existing;
    const { Tags = {} } = await sqs.send(new aws.ListQueueTagsCommand({ QueueUrl }), abort);
    const run = async () => void (await sqs.send(new aws.DeleteQueueCommand({ QueueUrl }), abort));
    if (Tags[madeByTag.Key] !== undefined) plan.steps.push({ action: 'delete', what: `SQS queue ${QueueName}`, run });
    else plan.kept.push(`SQS queue ${QueueName}: it was there before`);
  }
  return plan;
}
