import { namespaceAddress, namespaceName } from './git.ts';
import { type Block, block, commented, expression, type Value } from './hcl.ts';
import { roleArn, roleReady } from './iam.ts';
import type { TerraformModel } from './model.ts';
import { overlay } from './overlay.ts';

/** The definitions of the kinds, then the controllers: removed in the reverse order, and the definitions stay. */
export function millraceFile(model: TerraformModel): Block[] {
  const { configuration } = model;
  const common = { namespace: namespaceName(configuration), create_namespace: false };
  const keep = configuration.terraform.handedOver
    ? block('lifecycle', [], { ignore_changes: expression('all') })
    : undefined;
  const before = ['helm_release.millrace_crds', ...model.readers.flatMap((reader) => roleReady(model, reader))];
  return [
    commented(
      configuration.identity === 'pod-identity'
        ? "The pods' role comes by an association, so no role is in the values."
        : 'The roles are in the values, so the ServiceAccounts have their annotation before the first pod starts.',
      block('locals', [], {
        millrace_charts: isFolder(configuration)
          ? undefined
          : expression('coalesce(var.millrace_charts, "oci://${local.registry}/charts")'),
        millrace_values: millraceValues(model) as Value,
      }),
    ),
    commented(
      'The definitions of the kinds, as a release of their own: Helm would install those of a chart once and never update\nthem. They stay when the release goes, since every object of their kinds would go with them.',
      block(
        'resource',
        ['helm_release', 'millrace_crds'],
        {
          name: 'millrace-crds',
          ...common,
          ...chart(model, 'millrace-crds'),
          depends_on: [expression(namespaceAddress(configuration))],
        },
        [keep],
      ),
    ),
    block(
      'resource',
      ['helm_release', 'millrace'],
      {
        name: 'millrace',
        ...common,
        ...chart(model, 'millrace'),
        skip_crds: true,
        wait: true,
        timeout: 600,
        values: [expression('yamlencode(local.millrace_values)')],
        depends_on: before.map(expression),
      },
      [keep],
    ),
  ];
}

/** Whether the charts are read from a folder, not from a repository. */
export function isFolder({ millrace }: TerraformModel['configuration']): boolean {
  return millrace.charts !== undefined && /^[./]/.test(millrace.charts);
}

function chart({ configuration }: TerraformModel, name: string): Record<string, Value> {
  if (isFolder(configuration)) return { chart: expression(`"\${var.millrace_charts}/${name}"`) };
  return {
    chart: name,
    repository: expression('local.millrace_charts'),
    version: expression('var.millrace_version'),
  };
}

/** Values of the millrace chart; what the configuration adds in `millrace.values` is laid over them. */
export function millraceValues(model: TerraformModel): unknown {
  const { configuration, readers } = model;
  const { identity, events, millrace } = configuration;
  const [scanner, fetcher] = readers;
  const arnOf = (reader: typeof scanner) =>
    reader === undefined || identity === 'pod-identity' ? undefined : expression(roleArn(model, reader));
  const own = {
    topology: millrace.topology,
    image: {
      repository: expression('coalesce(var.millrace_image, "${local.registry}/millrace")'),
      tag: expression('var.millrace_version'),
    },
    ecr: {
      ...defined('roleArn', arnOf(scanner)),
      ...defined('pullRoleArn', arnOf(fetcher)),
      ...defined('eventsQueue', events ? expression('aws_sqs_queue.ecr_push.id') : undefined),
    },
  };
  return overlay(own, millrace.values);
}

function defined<T>(name: string, value: T | undefined): Record<string, T> {
  return value === undefined ? {} : { [name]: value };
}
