import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { formatTime } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { decideByResource } from '../../../iam/decide.ts';
import { parsePolicy } from '../../../iam/policy-document.ts';
import { conditionContext } from '../../../iam/policy-variables.ts';
import { PersistentMap } from '../../persistent-map.ts';
import type { ImageAction } from '../../registry/repository-store.ts';
import { queueArn, type SqsContext } from '../sqs/sqs-context.ts';
import { matchesEvent } from './event-pattern.ts';

export interface RuleRecord {
  name: string;
  arn: string;
  /** JSON text. */
  pattern: string;
  state: 'ENABLED' | 'DISABLED';
  description?: string;
  targets: { id: string; arn: string }[];
  tags?: { Key: string; Value: string }[];
}

/** The default event bus: rules that carry events to queues. */
export class EventBus {
  readonly rules: PersistentMap<RuleRecord>;
  readonly #context: SqsContext;
  readonly #logger: Logger;

  constructor(dataDir: string, context: SqsContext, logger: Logger) {
    this.rules = new PersistentMap(join(dataDir, 'rules.jsonl'));
    this.#context = context;
    this.#logger = logger;
  }

  ruleArn(name: string): string {
    const { account } = this.#context;
    return `arn:${account.partition}:events:${account.region}:${account.id}:rule/${name}`;
  }

  /** The event that ECR sends when an image is pushed or deleted (spec/provisioning.md §10). */
  putImageAction({ action, repository, digest, tag, mediaType, artifactType }: ImageAction): void {
    this.put('aws.ecr', 'ECR Image Action', {
      result: 'SUCCESS',
      'repository-name': repository,
      'image-digest': digest,
      'action-type': action,
      ...(tag === undefined ? {} : { 'image-tag': tag }),
      'manifest-media-type': mediaType,
      ...(artifactType === undefined ? {} : { 'artifact-media-type': artifactType }),
    });
  }

  /** Delivers an event to the targets of every enabled rule that it matches. */
  put(source: string, detailType: string, detail: Record<string, unknown>): void {
    const { account, clock } = this.#context;
    const event = {
      version: '0',
      id: randomUUID(),
      'detail-type': detailType,
      source,
      account: account.id,
      time: formatTime(clock.now()),
      region: account.region,
      resources: [],
      detail,
    };
    for (const rule of this.rules.values()) {
      if (rule.state === 'DISABLED' || !matchesEvent(JSON.parse(rule.pattern) as Record<string, unknown>, event))
        continue;
      for (const target of rule.targets) this.#deliver(rule, target.arn, JSON.stringify(event));
    }
  }

  close(): void {
    this.rules.close();
  }

  /** EventBridge sends as a service: the queue's own policy must let it, for this rule. Otherwise the event is lost. */
  #deliver(rule: RuleRecord, targetArn: string, body: string): void {
    const { queues } = this.#context;
    const queue = queues.get(targetArn.split(':').at(-1) ?? '');
    if (queue === undefined || queueArn(this.#context, queue.name) !== targetArn) {
      this.#logger.warn('An event was dropped: its queue does not exist', { rule: rule.name, target: targetArn });
      return;
    }
    const policy = queue.attributes['Policy'];
    const decision = decideByResource(
      {
        caller: { kind: 'service', name: 'events.amazonaws.com' },
        action: 'sqs:SendMessage',
        resource: targetArn,
        context: conditionContext({ 'aws:SourceArn': rule.arn, 'aws:SourceAccount': this.#context.account.id }),
      },
      policy === undefined ? undefined : parsePolicy(policy, 'resource', queue.name),
    );
    if (!decision.allowed) {
      const fields = { rule: rule.name, queue: queue.name };
      this.#logger.warn('An event was dropped: the queue policy does not let events.amazonaws.com send to it', fields);
      return;
    }
    queues.send(queue, { body, senderId: 'AIDAJXNJGGKNS7OSV23OI' });
  }
}
