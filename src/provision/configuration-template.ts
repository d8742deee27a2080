/** What a first configuration is written from. */
export interface StartingPoint {
  name: string;
  engine: 'flux' | 'millrace';
  account?: string;
  region: string;
  cluster: string;
  issuer?: string;
  gitUrl: string;
  gitPath: string;
  /** Goes with the credential, where it is not the one that the host wants by default. */
  gitUsername?: string;
  repositories: readonly string[];
  /** Those of them that ECR does not have yet. */
  missing: readonly string[];
}

/** A `millrace.yaml` to begin with: what is known is filled in, the rest stands as comments with its defaults. */
export function configurationTemplate(start: StartingPoint): string {
  const text = (value: string) => JSON.stringify(value);
  const optional = (name: string, value: string | undefined, example: string, comment: string) =>
    value === undefined ? `  # ${name}: ${text(example)} # ${comment}` : `  ${name}: ${text(value)} # ${comment}`;
  return `# What an installation consists of; docs/provisioning.md explains every field.
#   millrace provision terraform --out terraform   the Terraform configuration for it
#   millrace provision apply --dry-run             what would be done directly
#   millrace iam policy                            the IAM policy that it asks for

name: ${text(start.name)} # beginning of the names of what is made in AWS
engine: ${start.engine} # who delivers: flux (by its operator), or millrace
identity: irsa # irsa, or pod-identity

aws:
${optional('account', start.account, '111122223333', 'twelve digits, in quotes')}
  region: ${text(start.region)}

cluster:
  name: ${text(start.cluster)} # the EKS cluster
${optional('issuer', start.issuer, 'https://oidc.eks.eu-west-1.amazonaws.com/id/…', 'its OIDC issuer')}
  namespace: flux-system

ecr:
  repositories: # what is scanned; * stands for slashes too
${start.repositories.map((repository) => `    - ${text(repository)}`).join('\n')}
${start.missing.length === 0 ? '' : `  create: # not there yet\n${start.missing.map((repository) => `    - ${text(repository)}\n`).join('')}`}  profile: scan+meta # scan: tags alone; scan+meta: digests and push times too

git:
  url: ${text(start.gitUrl)}
  ref: refs/heads/main
  path: ${text(start.gitPath)}
  credential: # the credential itself is never in this file
    secret: git-auth
    kind: ${start.gitUrl.startsWith('ssh:') ? 'ssh' : 'basic'} # basic, bearer or ssh
${start.gitUsername === undefined ? '' : `    username: ${text(start.gitUsername)}\n`}    access: write # image updates are committed

# images: # delivery objects to create, where git does not have them already
#   - name: mainapp
#     image: apps/mainapp
#     policy: {semver: {range: ">=1.0.0"}}

${start.engine === 'millrace' ? '# millrace: {topology: split} # a Deployment for each controller rather than one for all\n\n' : ''}# events: true # push events of ECR through EventBridge and SQS
`;
}
