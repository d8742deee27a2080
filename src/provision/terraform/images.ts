import type { Configuration } from '../configuration.ts';
import { deliveryObjects } from '../delivery-objects.ts';
import { arnOf, parseEcrReference } from '../ecr-references.ts';
import { type Block, block, call, commented, expression, type Value } from './hcl.ts';
import type { TerraformModel } from './model.ts';

/** The delivery objects, as a release of the small chart in `delivery/`: Terraform cannot plan objects of kinds that do not exist yet. */
export function imagesFile({ configuration }: TerraformModel): Block[] {
  if (configuration.images.length === 0) return [];
  const objects = deliveryObjects<Value>(configuration, {
    namespace: expression('var.flux_namespace'),
    gitPath: expression('var.git_path'),
    imageName(image) {
      const { region, repository } = parseEcrReference(image, configuration);
      return region === undefined ? expression(`"\${local.registry}/${repository}"`) : image;
    },
  });
  return [
    commented(
      'What is scanned, which tag is chosen, and how the choice is committed. The markers that the output setter_markers lists\nhave to stand in the manifests under the update path.',
      block('resource', ['helm_release', 'delivery'], {
        name: 'delivery',
        namespace: expression('var.flux_namespace'),
        create_namespace: false,
        chart: expression('"${path.module}/delivery"'),
        values: [call('yamlencode', { objects: objects as Value })],
        depends_on: [expression('helm_release.flux_instance')],
      }),
    ),
  ];
}

/** The chart of the delivery objects: it prints what it is given. */
export const deliveryChart: Readonly<Record<string, string>> = {
  'delivery/Chart.yaml': `apiVersion: v2
name: delivery
description: The image objects of this installation; images.tf has them.
type: application
version: 1.0.0
`,
  'delivery/templates/objects.yaml': `{{- range .Values.objects }}
---
{{ toYaml . }}
{{- end }}
`,
};

/** The comment that a manifest needs on the line of an image, for each policy. */
export function setterMarkers({ images, cluster }: Configuration): Record<string, string> {
  return Object.fromEntries(images.map(({ name }) => [name, `# {"$imagepolicy": "${cluster.namespace}:${name}"}`]));
}

/** What the owners of foreign registries have to allow: one repository policy per account (spec/provisioning.md §2.2). */
export function foreignPolicies({ configuration, foreign, readers }: TerraformModel): Record<string, string> {
  const accounts = new Map<string, string[]>();
  for (const reference of foreign) {
    const account = reference.account ?? '';
    accounts.set(account, [...new Set([...(accounts.get(account) ?? []), arnOf(reference, configuration)])].sort());
  }
  const actions = [...new Set(readers.flatMap((reader) => reader.actions))].sort();
  const principal = `arn:${arnOf({ repository: '' }, configuration).split(':')[1]}:iam::${configuration.aws.account ?? 'ACCOUNT'}:role/${configuration.name}-`;
  return Object.fromEntries(
    [...accounts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([account, repositories]) => {
        const document = {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: `ReadBy${configuration.aws.account ?? 'Scanner'}`,
              Effect: 'Allow',
              Principal: { AWS: readers.map(({ roleSuffix }) => principal + roleSuffix) },
              Action: actions,
            },
          ],
        };
        return [`owners/${account}.json`, `${JSON.stringify({ repositories, repositoryPolicy: document }, null, 2)}\n`];
      }),
  );
}
