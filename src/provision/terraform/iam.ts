import { type Block, block, commented, expression, type Value } from './hcl.ts';
import type { EcrReader, TerraformModel } from './model.ts';

/** Policies, roles with their trust, and what they are told about the account. */
export function iamFile(model: TerraformModel): Block[] {
  const { configuration } = model;
  return [
    block('data', ['aws_partition', 'current']),
    block('data', ['aws_region', 'current']),
    block('data', ['aws_caller_identity', 'current']),
    locals(model),
    ...(configuration.identity === 'irsa' ? oidcProvider(model) : podIdentityAgent),
    ...model.readers.flatMap((reader) => [
      ...policy(model, reader),
      ...(configuration.identity === 'pod-identity'
        ? podIdentityRole(reader)
        : configuration.terraform.role === 'module'
          ? moduleRole(model, reader)
          : plainRole(reader)),
    ]),
  ];
}

/** The ARN of a reader's role, as an expression. */
export function roleArn(model: TerraformModel, { id }: EcrReader): string {
  const { identity, terraform } = model.configuration;
  return identity === 'irsa' && terraform.role === 'module' ? `module.${id}.arn` : `aws_iam_role.${id}.arn`;
}

/** What has to be in place before a pod of the reader starts. */
export function roleReady(model: TerraformModel, { id }: EcrReader): string[] {
  const { identity, terraform } = model.configuration;
  if (identity === 'pod-identity')
    return [`aws_iam_role_policy_attachment.${id}`, `aws_eks_pod_identity_association.${id}`];
  return [terraform.role === 'module' ? `module.${id}` : `aws_iam_role_policy_attachment.${id}`];
}

function locals({ configuration, pullRepositories }: TerraformModel): Block {
  const arns = (variable: string) =>
    expression(
      [
        `[for repository in var.${variable} :`,
        '  startswith(repository, "arn:") ? repository :',
        '  "arn:${local.partition}:ecr:${local.region}:${local.account}:repository/${repository}"',
        ']',
      ].join('\n'),
    );
  const irsa = configuration.identity === 'irsa';
  const issuer = 'data.aws_eks_cluster.this.identity[0].oidc[0].issuer';
  return block('locals', [], {
    partition: expression('data.aws_partition.current.partition'),
    region: expression('coalesce(var.aws_region, data.aws_region.current.region)'),
    account: expression('coalesce(var.aws_acc_id, data.aws_caller_identity.current.account_id)'),
    registry: expression('"${local.account}.dkr.ecr.${local.region}.${data.aws_partition.current.dns_suffix}"'),
    oidc_provider_arn: irsa
      ? expression(
          configuration.cluster.createOidcProvider
            ? 'aws_iam_openid_connect_provider.cluster.arn'
            : 'coalesce(var.eks_oidc_provider, one(data.aws_iam_openid_connect_provider.cluster[*].arn))',
        )
      : undefined,
    oidc_issuer: irsa
      ? expression(
          configuration.cluster.createOidcProvider
            ? `trimprefix(coalesce(var.eks_oidc_issuer, ${issuer}), "https://")`
            : 'split("oidc-provider/", local.oidc_provider_arn)[1]',
        )
      : undefined,
    ecr_repository_arns: arns('ecr_repositories'),
    ecr_pull_repository_arns: pullRepositories.length > 0 ? arns('ecr_pull_repositories') : undefined,
  });
}

function oidcProvider({ configuration }: TerraformModel): Block[] {
  const url = 'data.aws_eks_cluster.this.identity[0].oidc[0].issuer';
  if (configuration.cluster.createOidcProvider) {
    return [
      commented(
        'No thumbprint: IAM checks the certificate of an EKS issuer by itself.',
        block('resource', ['aws_iam_openid_connect_provider', 'cluster'], {
          url: expression(`coalesce(var.eks_oidc_issuer, ${url})`),
          client_id_list: ['sts.amazonaws.com'],
        }),
      ),
    ];
  }
  return [
    commented(
      'Looked up only where the variable does not name the provider.',
      block('data', ['aws_iam_openid_connect_provider', 'cluster'], {
        count: expression('var.eks_oidc_provider == null ? 1 : 0'),
        url: expression(url),
      }),
    ),
  ];
}

const podIdentityAgent = [
  commented(
    'The agent gives pods their credentials; the plan fails where it is not installed.',
    block('data', ['aws_eks_addon', 'pod_identity_agent'], {
      cluster_name: expression('var.eks_cluster_name'),
      addon_name: 'eks-pod-identity-agent',
    }),
  ),
];

function policy({ configuration }: TerraformModel, reader: EcrReader): Block[] {
  const scans = reader.id === 'flux_ecr_read';
  const pullThrough = scans ? [] : configuration.ecr.pullThrough;
  const cache = pullThrough.map(
    (prefix) =>
      `arn:\${local.partition}:ecr:\${local.region}:\${local.account}:repository/${prefix.replace(/\/?\*?$/, '')}/*`,
  );
  return [
    commented(
      `What ${reader.serviceAccount} may do: log in (which has no resource), and read the named repositories.`,
      block('data', ['aws_iam_policy_document', reader.id], {}, [
        statement('ECRAuthToken', ['ecr:GetAuthorizationToken'], ['*']),
        statement('ECRRead', reader.actions, expression(reader.arns)),
        cache.length > 0
          ? statement(
              'ECRPullThrough',
              ['ecr:BatchImportUpstreamImage', 'ecr:CreateRepository'],
              cache.map((arn) => expression(`"${arn}"`)),
            )
          : undefined,
        scans && configuration.events
          ? statement('ECREvents', queueActions, [expression('aws_sqs_queue.ecr_push.arn')])
          : undefined,
      ]),
    ),
    block('resource', ['aws_iam_policy', reader.id], {
      name: expression(`"\${var.name_prefix}-${reader.policySuffix}"`),
      description: `ECR access of ${reader.serviceAccount}`,
      policy: expression(`data.aws_iam_policy_document.${reader.id}.json`),
    }),
  ];
}

const queueActions = [
  'sqs:ChangeMessageVisibility',
  'sqs:DeleteMessage',
  'sqs:GetQueueAttributes',
  'sqs:ReceiveMessage',
];

function statement(sid: string, actions: readonly string[], resources: Value): Block {
  return block('statement', [], { sid, effect: 'Allow', actions: [...actions], resources });
}

function moduleRole({ configuration }: TerraformModel, { id, roleSuffix, serviceAccount }: EcrReader): Block[] {
  return [
    block('module', [id], {
      source: 'terraform-aws-modules/iam/aws//modules/iam-role-for-service-accounts',
      version: '6.2.1',
      name: expression(`"\${var.name_prefix}-${roleSuffix}"`),
      use_name_prefix: configuration.terraform.useNamePrefix,
      policies: { ecr: expression(`aws_iam_policy.${id}.arn`) },
      oidc_providers: {
        cluster: {
          provider_arn: expression('local.oidc_provider_arn'),
          namespace_service_accounts: [expression(`"\${var.flux_namespace}:${serviceAccount}"`)],
        },
      },
    }),
  ];
}

function plainRole(reader: EcrReader): Block[] {
  const equals = (claim: string, value: Value) =>
    block('condition', [], {
      test: 'StringEquals',
      variable: expression(`"\${local.oidc_issuer}:${claim}"`),
      values: [value],
    });
  const trust = block('data', ['aws_iam_policy_document', `${reader.id}_trust`], {}, [
    block('statement', [], { effect: 'Allow', actions: ['sts:AssumeRoleWithWebIdentity'] }, [
      block('principals', [], { type: 'Federated', identifiers: [expression('local.oidc_provider_arn')] }),
      equals('aud', 'sts.amazonaws.com'),
      equals('sub', expression(`"system:serviceaccount:\${var.flux_namespace}:${reader.serviceAccount}"`)),
    ]),
  ]);
  return [
    commented(`Only ${reader.serviceAccount} of this cluster may take the role.`, trust),
    ...roleResources(reader),
  ];
}

function podIdentityRole(reader: EcrReader): Block[] {
  const trust = block('data', ['aws_iam_policy_document', `${reader.id}_trust`], {}, [
    block('statement', [], { effect: 'Allow', actions: ['sts:AssumeRole', 'sts:TagSession'] }, [
      block('principals', [], { type: 'Service', identifiers: ['pods.eks.amazonaws.com'] }),
    ]),
  ]);
  const association = block('resource', ['aws_eks_pod_identity_association', reader.id], {
    cluster_name: expression('var.eks_cluster_name'),
    namespace: expression('var.flux_namespace'),
    service_account: reader.podServiceAccount,
    role_arn: expression(`aws_iam_role.${reader.id}.arn`),
    depends_on: [expression('data.aws_eks_addon.pod_identity_agent')],
  });
  return [trust, ...roleResources(reader), association];
}

function roleResources({ id, roleSuffix }: EcrReader): Block[] {
  return [
    block('resource', ['aws_iam_role', id], {
      name: expression(`"\${var.name_prefix}-${roleSuffix}"`),
      assume_role_policy: expression(`data.aws_iam_policy_document.${id}_trust.json`),
    }),
    block('resource', ['aws_iam_role_policy_attachment', id], {
      role: expression(`aws_iam_role.${id}.name`),
      policy_arn: expression(`aws_iam_policy.${id}.arn`),
    }),
  ];
}
