import { isRecord } from '../../../base/json.ts';
import { AwsFault } from '../fault.ts';
import { type JsonInput, objectList, optionalText, requiredText, textList } from '../json-input.ts';
import type { JsonOperation, JsonService } from '../service.ts';
import type { EventBus, RuleRecord } from './event-bus.ts';

/** EventBridge, as far as it carries events to queues: rules and their targets on the default bus. */
export function eventsService(bus: EventBus): JsonService {
  const onRule =
    (action: string, field: 'Name' | 'Rule', run: (rule: RuleRecord, input: JsonInput) => object): JsonOperation =>
    (input, call) => {
      const name = requiredText(input, field);
      call.require(action, bus.ruleArn(name));
      const rule = bus.rules.get(name);
      if (rule === undefined) {
        throw new AwsFault('ResourceNotFoundException', `Rule ${name} does not exist on EventBus default.`);
      }
      return run(rule, input);
    };
  const save = (rule: RuleRecord) => bus.rules.set(rule.name, rule);

  const operations: Record<string, JsonOperation> = {
    PutRule(input, call) {
      const name = requiredText(input, 'Name');
      const arn = bus.ruleArn(name);
      call.require('events:PutRule', arn);
      const pattern = requiredText(input, 'EventPattern');
      requirePattern(pattern);
      const description = optionalText(input, 'Description');
      save({
        name,
        arn,
        pattern,
        state: optionalText(input, 'State') === 'DISABLED' ? 'DISABLED' : 'ENABLED',
        targets: bus.rules.get(name)?.targets ?? [],
        // Of a rule that is there, PutRule changes no tags.
        tags: bus.rules.get(name)?.tags ?? tagsOf(input),
        ...(description === undefined ? {} : { description }),
      });
      return { RuleArn: arn };
    },

    DescribeRule: onRule('events:DescribeRule', 'Name', describeRule),

    ListRules(input, call) {
      call.require('events:ListRules', bus.ruleArn('*'));
      const prefix = optionalText(input, 'NamePrefix') ?? '';
      return { Rules: [...bus.rules.values()].filter(({ name }) => name.startsWith(prefix)).map(describeRule) };
    },

    EnableRule: onRule('events:EnableRule', 'Name', (rule) => {
      save({ ...rule, state: 'ENABLED' });
      return {};
    }),

    DisableRule: onRule('events:DisableRule', 'Name', (rule) => {
      save({ ...rule, state: 'DISABLED' });
      return {};
    }),

    DeleteRule: onRule('events:DeleteRule', 'Name', (rule) => {
      if (rule.targets.length > 0) {
        throw new AwsFault('ValidationException', "Rule can't be deleted since it has targets.");
      }
      bus.rules.delete(rule.name);
      return {};
    }),

    PutTargets: onRule('events:PutTargets', 'Rule', (rule, input) => {
      const added = (objectList(input, 'Targets') ?? []).map((target) => ({
        id: requiredText(target, 'Id'),
        arn: requiredText(target, 'Arn'),
      }));
      const kept = rule.targets.filter(({ id }) => !added.some((target) => target.id === id));
      save({ ...rule, targets: [...kept, ...added] });
      return { FailedEntryCount: 0, FailedEntries: [] };
    }),

    RemoveTargets: onRule('events:RemoveTargets', 'Rule', (rule, input) => {
      const ids = textList(input, 'Ids') ?? [];
      save({ ...rule, targets: rule.targets.filter(({ id }) => !ids.includes(id)) });
      return { FailedEntryCount: 0, FailedEntries: [] };
    }),

    ListTargetsByRule: onRule('events:ListTargetsByRule', 'Rule', ({ targets }) => ({
      Targets: targets.map(({ id, arn }) => ({ Id: id, Arn: arn })),
    })),

    ListTagsForResource(input, call) {
      const arn = requiredText(input, 'ResourceARN');
      call.require('events:ListTagsForResource', arn);
      const rule = [...bus.rules.values()].find((each) => each.arn === arn);
      if (rule === undefined) throw new AwsFault('ResourceNotFoundException', `Rule ${arn} does not exist.`);
      return { Tags: rule.tags ?? [] };
    },
  };
  return {
    protocol: 'json',
    name: 'events',
    contentType: 'application/x-amz-json-1.1',
    target: 'AWSEvents',
    operations,
  };
}

function tagsOf(input: JsonInput): { Key: string; Value: string }[] {
  return (objectList(input, 'Tags') ?? []).map((tag) => ({
    Key: requiredText(tag, 'Key'),
    Value: requiredText(tag, 'Value'),
  }));
}

function describeRule({ name, arn, pattern, state, description }: RuleRecord): object {
  return {
    Name: name,
    Arn: arn,
    EventPattern: pattern,
    State: state,
    Description: description,
    EventBusName: 'default',
  };
}

function requirePattern(text: string): void {
  try {
    if (isRecord(JSON.parse(text))) return;
  } catch {
    // Said below.
  }
  throw new AwsFault('InvalidEventPatternException', 'Event pattern is not valid. Reason: Filter is not an object');
}
