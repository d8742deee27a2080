import type { Configuration } from '../configuration.ts';
import { deliveryObjects } from '../delivery-objects.ts';
import { arnOf, parseEcrReference, partitionOf } from '../ecr-references.ts';
import { syncObjects } from '../sync-objects.ts';
import { fluxReady } from './flux.ts';
import { type Block, block, call, commented, expression, type Value } from './hcl.ts';
import type { TerraformModel } from './model.ts';

/** Objects of the kinds that the engine brings, as a release of the small chart in `delivery/`: Terraform cannot plan such as do not exist yet. */
export function imagesFile({ configuration }: TerraformModel): Block[] {
  const { engine, git, images } = configuration;
  const namespace = expression('var.flux_namespace');
  const gitPath = expression('var.git_path');
  const delivery = deliveryObjects<Value>(configuration, {
    namespace,
    gitPath,
    imageName(image) {
      const { region, repository } = parseEcrReference(image, configuration);
      return region === undefined ? expression(`"\${local.registry}/${repository}"`) : image;
    },
  });
  // The FluxInstance of the other engine has these of its own.
  const sync =
    engine === 'flux'
      ? []
      : syncObjects<Value>({
          namespace,
          url: expression('var.git_url'),
          ref: { name: expression('var.git_ref') },
          path: gitPath,
          secretName: expression('kubernetes_secret_v1.git_auth.metadata[0].name'),
          interval: git.interval,
        });
  const objects = [...sync, ...delivery];
  if (objects.length === 0) return [];
  const comments = [
    ...(sync.length > 0
      ? ['Where the cluster is synchronised from: destroyed before the controllers, which prune what it applied.']
      : []),
    ...(images.length > 0
      ? [
          'What is scanned, which tag is chosen, and how the choice is committed. The markers that the output setter_markers lists\nhave to stand in the manifests under the update path.',
        ]
      : []),
  ];
  return [
    commented(
      comments.join('\n'),
      block('resource', ['helm_release', 'delivery'], {
        name: 'delivery',
        namespace,
        create_namespace: false,
        chart: expression('"${path.module}/delivery"'),
        values: [call('yamlencode', { objects: objects as Value })],
        depends_on: [expression(engine === 'flux' ? fluxReady(configuration) : 'helm_release.millrace')],
      }),
    ),
  ];
}

/** The chart of the delivery objects: it prints what it is given. */
export const deliveryChart: Readonly<Record<string, string>> = {
  'delivery/Chart.yaml': `apiVersion: v2
name: delivery
description: The objects of this installation that need the kinds of its controllers; images.tf has them.
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
export function setterMarkers({ images }: Configuration): Record<string, Value> {
  return Object.fromEntries(
    images.map(({ name }) => [name, expression(`"# {\\"$imagepolicy\\": \\"\${var.flux_namespace}:${name}\\"}"`)]),
  );
}

/** What the owners of foreign registries have to allow: one repository policy per account (spec/provisioning.md §2.2). */
export function foreignPolicies({ configuration, foreign, readers }: TerraformModel): Record<string, string> {
  const accounts = new Map<string, string[]>();
  for (const reference of foreign) {
    const account = reference.account ?? '';
    accounts.set(account, [...new Set([...(accounts.get(account) ?? []), arnOf(reference, configuration)])].sort());
  }
  const actions = [...new Set(readers.flatMap((reader) => reader.actions))].sort();
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
              ...principals(configuration, readers),
              Action: actions,
            },
          ],
        };
        return [`owners/${account}.json`, `${JSON.stringify({ repositories, repositoryPolicy: document }, null, 2)}\n`];
      }),
  );
}

/** Whether a text is one of these files. */
export function isOwnerPolicy(text: string): boolean {
  return /^\{\n {2}"repositories": \[/.test(text) && text.includes('"repositoryPolicy"');
}

/** The roles; where they get a random suffix, the account with a condition on their names. */
function principals(configuration: Configuration, readers: TerraformModel['readers']) {
  const { aws, name, terraform } = configuration;
  const iam = `arn:${partitionOf(aws.region)}:iam::${aws.account ?? 'ACCOUNT'}`;
  const roles = readers.map(({ roleSuffix }) => `${iam}:role/${name}-${roleSuffix}`);
  if (terraform.role === 'plain' || !terraform.useNamePrefix) return { Principal: { AWS: roles } };
  return {
    Principal: { AWS: `${iam}:root` },
    Condition: { ArnLike: { 'aws:PrincipalArn': roles.map((role) => `${role}-*`) } },
  };
}
