import { type Block, block, commented, expression } from './hcl.ts';
import type { TerraformModel } from './model.ts';

/** Push events: ECR → EventBridge → SQS, with a queue for what cannot be read. The role may receive and delete. */
export function eventsFile({ configuration, repositories }: TerraformModel): Block[] {
  if (!configuration.events) return [];
  const names = repositories
    .filter((repository) => !repository.startsWith('arn:'))
    .map((repository) => (repository.includes('*') ? { wildcard: repository } : repository));
  return [
    commented(
      'Events are a help, not a promise: scans at their intervals go on.',
      block('resource', ['aws_cloudwatch_event_rule', 'ecr_push'], {
        name: expression('"${var.name_prefix}-ecr-push"'),
        description: 'An image was pushed to a repository that is scanned',
        event_pattern: expression(
          [
            'jsonencode({',
            '  source        = ["aws.ecr"]',
            '  "detail-type" = ["ECR Image Action"]',
            '',
            '  detail = {',
            '    "action-type"     = ["PUSH"]',
            '    result            = ["SUCCESS"]',
            `    "repository-name" = ${patternList(names)}`,
            '  }',
            '})',
          ].join('\n'),
        ),
      }),
    ),
    block('resource', ['aws_sqs_queue', 'ecr_push_unread'], {
      name: expression('"${var.name_prefix}-ecr-push-unread"'),
      message_retention_seconds: 1209600,
      sqs_managed_sse_enabled: true,
    }),
    block('resource', ['aws_sqs_queue', 'ecr_push'], {
      name: expression('"${var.name_prefix}-ecr-push"'),
      message_retention_seconds: 3600,
      receive_wait_time_seconds: 20,
      sqs_managed_sse_enabled: true,
      redrive_policy: expression(
        'jsonencode({ deadLetterTargetArn = aws_sqs_queue.ecr_push_unread.arn, maxReceiveCount = 5 })',
      ),
    }),
    block('data', ['aws_iam_policy_document', 'ecr_push_queue'], {}, [
      block(
        'statement',
        [],
        {
          sid: 'EventBridge',
          effect: 'Allow',
          actions: ['sqs:SendMessage'],
          resources: [expression('aws_sqs_queue.ecr_push.arn')],
        },
        [
          block('principals', [], { type: 'Service', identifiers: ['events.amazonaws.com'] }),
          block('condition', [], {
            test: 'ArnEquals',
            variable: 'aws:SourceArn',
            values: [expression('aws_cloudwatch_event_rule.ecr_push.arn')],
          }),
        ],
      ),
    ]),
    block('resource', ['aws_sqs_queue_policy', 'ecr_push'], {
      queue_url: expression('aws_sqs_queue.ecr_push.id'),
      policy: expression('data.aws_iam_policy_document.ecr_push_queue.json'),
    }),
    block('resource', ['aws_cloudwatch_event_target', 'ecr_push'], {
      rule: expression('aws_cloudwatch_event_rule.ecr_push.name'),
      arn: expression('aws_sqs_queue.ecr_push.arn'),
      depends_on: [expression('aws_sqs_queue_policy.ecr_push')],
    }),
  ];
}

function patternList(names: readonly (string | { wildcard: string })[]): string {
  const printed = names.map((name) =>
    typeof name === 'string' ? JSON.stringify(name) : `{ wildcard = ${JSON.stringify(name.wildcard)} }`,
  );
  return `[${printed.join(', ')}]`;
}
