import { queueArn, queueUrl, type SqsContext } from '../sqs/sqs-context.ts';
import type { EventBus } from './event-bus.ts';

/**
 * What carries push events to a queue, made as spec/provisioning.md §10 has it: the queue, a rule for ECR's push events, and the
 * queue policy that lets the rule send. Returns the queue's URL.
 */
export function ensureEcrEventsQueue(name: string, context: SqsContext, bus: EventBus): string {
  const { account, clock, queues } = context;
  const arn = queueArn(context, name);
  const ruleArn = bus.ruleArn(name);
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'EcrEvents',
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: arn,
        Condition: { ArnEquals: { 'aws:SourceArn': ruleArn }, StringEquals: { 'aws:SourceAccount': account.id } },
      },
    ],
  };
  if (queues.get(name) === undefined) {
    queues.save({ name, createdAt: clock.now(), attributes: { Policy: JSON.stringify(policy) }, tags: {} });
  }
  if (bus.rules.get(name) === undefined) {
    bus.rules.set(name, {
      name,
      arn: ruleArn,
      pattern: JSON.stringify({
        source: ['aws.ecr'],
        'detail-type': ['ECR Image Action'],
        detail: { 'action-type': ['PUSH'], result: ['SUCCESS'] },
      }),
      state: 'ENABLED',
      targets: [{ id: name, arn }],
    });
  }
  return queueUrl(context, name);
}
