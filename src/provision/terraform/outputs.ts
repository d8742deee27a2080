import { type Block, block, expression } from './hcl.ts';
import { roleArn } from './iam.ts';
import { setterMarkers } from './images.ts';
import type { TerraformModel } from './model.ts';

export function outputsFile(model: TerraformModel): Block[] {
  const { configuration, readers } = model;
  const output = (name: string, description: string, value: string) =>
    block('output', [name], { description, value: expression(value) });
  return [
    ...readers.map((reader) => output(reader.output, `Role of ${reader.serviceAccount}.`, roleArn(model, reader))),
    output(
      'ecr_policy_json',
      'The policy of the scanning role, to be read.',
      'data.aws_iam_policy_document.flux_ecr_read.json',
    ),
    ...(configuration.engine === 'flux' && configuration.terraform.install === 'bootstrap'
      ? [
          output(
            'flux_instance_yaml',
            'The FluxInstance to commit to git: terraform output -raw flux_instance_yaml.',
            'yamlencode(local.flux_instance)',
          ),
        ]
      : []),
    ...(configuration.events
      ? [output('ecr_push_queue_url', 'Queue with the push events.', 'aws_sqs_queue.ecr_push.id')]
      : []),
    ...(configuration.images.length > 0
      ? [
          block('output', ['setter_markers'], {
            description: 'Comment that the line of the image needs in the manifests, by policy.',
            value: setterMarkers(configuration),
          }),
        ]
      : []),
  ];
}
