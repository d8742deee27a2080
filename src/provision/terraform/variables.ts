import type { Configuration } from '../configuration.ts';
import { gitUsername, knownHostsOf } from '../git-credential.ts';
import { type Block, block, expression, type Value } from './hcl.ts';
import { isFolder } from './millrace.ts';
import type { TerraformModel } from './model.ts';

interface Check {
  condition: string;
  message: string;
}

function variable(
  name: string,
  type: string,
  description: string,
  rest: Readonly<Record<string, Value | undefined>> = {},
  ...checks: Check[]
): Block {
  const validations = checks.map(({ condition, message }) =>
    block('validation', [], { condition: expression(condition), error_message: message }),
  );
  return block('variable', [name], { type: expression(type), description, ...rest }, validations);
}

/** Every variable with a description, the configuration's value as its default, and the rule that it has to keep. */
export function variablesFile(model: TerraformModel): Block[] {
  const { configuration } = model;
  return [
    ...awsVariables(model),
    variable(
      'flux_namespace',
      'string',
      'Namespace of the controllers, the git credential and the sync objects; the trust policy names it too.',
      { default: configuration.cluster.namespace },
      {
        condition: 'can(regex("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", var.flux_namespace))',
        message: 'Must be a DNS label.',
      },
    ),
    ...(configuration.engine === 'flux' ? fluxVariables(configuration) : millraceVariables(configuration)),
    ...gitVariables(configuration),
    ...credentialVariables(configuration),
  ];
}

function awsVariables({ configuration, repositories, pullRepositories }: TerraformModel): Block[] {
  const { name, aws, cluster, terraform, identity } = configuration;
  const suffixed = terraform.role === 'module' && terraform.useNamePrefix;
  const noBareStar = (list: string): Check => ({
    condition: [
      `length(${list}) > 0`,
      ...(configuration.ecr.allowAll
        ? []
        : [`!anytrue([for each in ${list} : can(regex("(^|:repository/)[*]+$", each))])`]),
    ].join(' && '),
    message: 'Name repositories or prefixes; a bare * needs ecr.allowAll: true in millrace.yaml.',
  });
  return [
    variable(
      'name_prefix',
      'string',
      'Beginning of the names of IAM policies and roles.',
      { default: name },
      suffixed
        ? {
            condition: 'length(var.name_prefix) <= 19',
            message: 'With a random suffix at most 19 characters: AWS takes 38 for the prefix of a role name.',
          }
        : { condition: 'length(var.name_prefix) <= 40', message: 'At most 40 characters: a role name has 64.' },
    ),
    variable(
      'aws_region',
      'string',
      'Region of the cluster and of its ECR registry. null: that of the AWS provider.',
      { default: aws.region },
      {
        condition: 'var.aws_region == null || can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]+$", var.aws_region))',
        message: 'Must be a region such as eu-west-1.',
      },
    ),
    variable(
      'aws_acc_id',
      'string',
      'Account of the ECR registry. null: the account of the AWS credentials.',
      { default: aws.account ?? null },
      {
        condition: 'var.aws_acc_id == null || can(regex("^[0-9]{12}$", var.aws_acc_id))',
        message: 'Must be twelve digits.',
      },
    ),
    variable('eks_cluster_name', 'string', 'Name of the EKS cluster.', { default: cluster.name }),
    identity === 'irsa' ? oidcVariable(configuration) : undefined,
    variable(
      'ecr_repositories',
      'list(string)',
      'ECR repositories that are scanned: names, prefixes (apps/*, where * matches / too) or ARNs.',
      { default: [...repositories] },
      noBareStar('var.ecr_repositories'),
    ),
    pullRepositories.length > 0
      ? variable(
          'ecr_pull_repositories',
          'list(string)',
          'ECR repositories with OCI artifacts that source-controller fetches.',
          { default: [...pullRepositories] },
          noBareStar('var.ecr_pull_repositories'),
        )
      : undefined,
    configuration.ecr.create.length > 0
      ? variable('ecr_create_repositories', 'list(string)', 'ECR repositories that are created.', {
          default: [...configuration.ecr.create],
        })
      : undefined,
  ].filter((each) => each !== undefined);
}

function oidcVariable(configuration: Configuration): Block {
  const { cluster } = configuration;
  if (cluster.createOidcProvider) {
    return variable(
      'eks_oidc_issuer',
      'string',
      "URL of the cluster's OIDC issuer; the provider is created for it. null: read from the cluster.",
      { default: cluster.issuer ?? null },
      {
        condition: 'var.eks_oidc_issuer == null || can(regex("^https://", var.eks_oidc_issuer))',
        message: 'Must be the https:// URL of the issuer.',
      },
    );
  }
  return variable(
    'eks_oidc_provider',
    'string',
    "ARN of the cluster's OIDC provider in IAM. null: found by the issuer of the cluster.",
    { default: cluster.oidcProvider ?? null },
    {
      condition:
        'var.eks_oidc_provider == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/.+$", var.eks_oidc_provider))',
      message: 'Must be an oidc-provider ARN (arn:aws:iam::ACCOUNT:oidc-provider/…), not the URL of the issuer.',
    },
  );
}

function fluxVariables({ flux, terraform }: Configuration): Block[] {
  return [
    ...(terraform.install === 'bootstrap'
      ? [
          variable(
            'flux_bootstrap_revision',
            'number',
            'Raise it to run the bootstrap again although nothing else has changed.',
            { default: 1 },
          ),
        ]
      : []),
    variable(
      'flux_operator_version',
      'string',
      'Version of the flux-operator and flux-instance charts, which belong together.',
      { default: flux.operatorVersion },
      {
        condition: 'can(regex("^[0-9]+\\\\.[0-9]+\\\\.[0-9]+$", var.flux_operator_version))',
        message: 'Must be a whole version such as 0.58.1.',
      },
    ),
    variable(
      'flux_version',
      'string',
      'Version or range of Flux.',
      { default: flux.version },
      {
        condition: '!can(regex("^[0-9]+([.][0-9]+)?$", var.flux_version))',
        message: 'Would be read as a number: write 2.9.x or 2.9.4.',
      },
    ),
    variable('flux_registry', 'string', 'Registry of the Flux images.', { default: flux.registry }),
    variable(
      'flux_variant',
      'string',
      "Variant of the images; needed for a registry other than Flux's own. null: none.",
      { default: flux.variant ?? null },
      {
        condition:
          'var.flux_variant == null || contains(["upstream-alpine", "enterprise-alpine", "enterprise-distroless", "enterprise-distroless-fips"], coalesce(var.flux_variant, "none"))',
        message: 'Must be upstream-alpine, enterprise-alpine, enterprise-distroless or enterprise-distroless-fips.',
      },
    ),
  ];
}

function millraceVariables(configuration: Configuration): Block[] {
  const { millrace } = configuration;
  const inRepository = {
    condition: 'var.millrace_charts == null || can(regex("^(oci|https)://.*[^/]$", var.millrace_charts))',
    message: 'Must be an oci:// or https:// URL without a / at its end; charts in a folder are named in millrace.yaml.',
  };
  const charts = isFolder(configuration)
    ? variable('millrace_charts', 'string', 'Folder with the charts millrace and millrace-crds.', {
        default: millrace.charts,
      })
    : variable(
        'millrace_charts',
        'string',
        "Helm repository with the charts millrace and millrace-crds; a private one needs `helm registry login` first. null: charts/ in the account's ECR registry.",
        { default: millrace.charts ?? null },
        inRepository,
      );
  return [
    variable(
      'millrace_version',
      'string',
      'Version of both charts and of the image, which belong together.',
      { default: millrace.version },
      {
        condition: 'can(regex("^[0-9]+\\\\.[0-9]+\\\\.[0-9]+(-[0-9A-Za-z.-]+)?$", var.millrace_version))',
        message: 'Must be a whole version such as 0.1.0.',
      },
    ),
    charts,
    variable(
      'millrace_image',
      'string',
      "Name of the image, without its tag. null: millrace in the account's ECR registry.",
      { default: millrace.image ?? null },
    ),
  ];
}

function gitVariables({ git }: Configuration): Block[] {
  return [
    variable(
      'git_url',
      'string',
      'Repository that the cluster is synchronised from.',
      { default: git.url },
      {
        condition: 'can(regex("^(https?|ssh)://", var.git_url))',
        message: 'Must be an https:// or ssh:// URL; git@host:path is not accepted.',
      },
    ),
    variable(
      'git_ref',
      'string',
      'Full name of the ref.',
      { default: git.ref },
      {
        condition: 'startswith(var.git_ref, "refs/")',
        message: 'Must be a full ref name such as refs/heads/main.',
      },
    ),
    variable(
      'git_path',
      'string',
      'Folder of the repository that the cluster is synchronised from.',
      { default: git.path },
      {
        condition: 'length(var.git_path) > 0',
        message: 'Must not be empty; ./ is the whole repository.',
      },
    ),
  ];
}

function credentialVariables(configuration: Configuration): Block[] {
  const { git, terraform } = configuration;
  const writeOnly = terraform.writeOnlySecrets;
  const secret = { sensitive: true, ...(writeOnly ? { ephemeral: true } : {}) };
  const revision = writeOnly
    ? [
        variable(
          'git_credential_revision',
          'number',
          'Raise it when the credential changes: Terraform does not keep what it wrote.',
          { default: 1 },
        ),
      ]
    : [];
  if (git.credential.kind === 'ssh') {
    return [
      variable(
        'git_ssh_identity',
        'string',
        'Private deploy key (PEM). Give it by TF_VAR_git_ssh_identity, not in a file.',
        secret,
      ),
      variable('git_known_hosts', 'string', 'Host keys of the git server (ssh-keyscan, compared out of band).', {
        default: knownHostsOf(git.url),
      }),
      ...revision,
    ];
  }
  if (git.credential.kind === 'bearer') {
    return [
      variable(
        'git_bearer_token',
        'string',
        'Token of the git host. Give it by TF_VAR_git_bearer_token, not in a file.',
        secret,
      ),
      ...revision,
    ];
  }
  const notAnAddress = {
    condition: '!(strcontains(var.git_url, "//bitbucket.org/") && strcontains(var.git_username, "@"))',
    message:
      'Bitbucket Cloud takes x-bitbucket-api-token-auth (API token) or x-token-auth (access token), not an e-mail address.',
  };
  return [
    variable(
      'git_username',
      'string',
      'User name that goes with the token; the default is what the host wants.',
      { default: gitUsername(configuration) },
      ...(writeOnly ? [notAnAddress] : []),
    ),
    variable(
      'git_password',
      'string',
      'Token of the git host (for bitbucket.org an API or access token: app passwords ended in July 2026). Give it by TF_VAR_git_password, not in a file.',
      secret,
    ),
    ...revision,
  ];
}
