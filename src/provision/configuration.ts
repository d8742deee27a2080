import { z } from 'zod';
import { MillraceError } from '../base/error.ts';

const DnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a DNS label: a-z, 0-9 and -');
const ProviderArn = /^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider\/.+$/;

const Aws = z.strictObject({
  /** Twelve digits. Left out: the account that Terraform or the AWS credentials belong to. */
  account: z
    .string()
    .regex(/^[0-9]{12}$/, 'must be twelve digits, in quotes')
    .optional(),
  region: z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-[0-9]+$/, 'must be a region such as eu-west-1'),
});

const Cluster = z.strictObject({
  /** Name of the EKS cluster; Terraform logs in to it by this name. */
  name: z.string().min(1),
  /** URL of the cluster's OIDC issuer. */
  issuer: z.url({ protocol: /^https$/, error: 'must be the https:// URL of the issuer' }).optional(),
  /** ARN of the OIDC provider in IAM, in the place of `issuer`. */
  oidcProvider: z
    .string()
    .regex(
      ProviderArn,
      'must be an oidc-provider ARN (arn:aws:iam::ACCOUNT:oidc-provider/…), not the URL of the issuer',
    )
    .optional(),
  /** Create the OIDC provider rather than adopt the one that exists. */
  createOidcProvider: z.boolean().default(false),
  /** Namespace of the controllers and of the git credential. */
  namespace: DnsLabel.default('flux-system'),
  /** The namespace exists already and is only used. */
  existingNamespace: z.boolean().default(false),
});

/** Which tag an image is kept at: one of the three forms of an ImagePolicy. */
const TagPolicy = z.union([
  z.strictObject({ semver: z.strictObject({ range: z.string().min(1) }) }),
  z.strictObject({ alphabetical: z.strictObject({ order: z.enum(['asc', 'desc']).default('asc') }) }),
  z.strictObject({ numerical: z.strictObject({ order: z.enum(['asc', 'desc']).default('asc') }) }),
]);

const Image = z.strictObject({
  /** Name of the ImageRepository and the ImagePolicy. */
  name: DnsLabel,
  /** ECR repository: its name, or the whole image name without a tag. */
  image: z
    .string()
    .min(1)
    .refine((image) => !/:[^/]+$/.test(image), 'must be an image name without a tag'),
  policy: TagPolicy,
  interval: z.string().default('5m0s'),
});

const Ecr = z.strictObject({
  /** Repositories that are scanned: names, patterns (`apps/*`), image names of other registries, or ARNs. */
  repositories: z.array(z.string().min(1)).default([]),
  /** `scan` lists tags; `scan+meta` also reads digests and push times. */
  profile: z.enum(['scan', 'scan+meta']).default('scan+meta'),
  /** Says yes to a bare `*` in `repositories`. */
  allowAll: z.boolean().default(false),
  /** Repositories with OCI artifacts that source-controller fetches, by a role of its own. */
  pull: z.array(z.string().min(1)).default([]),
  /** Prefixes of pull-through cache rules, in which a first pull may create repositories. */
  pullThrough: z.array(z.string().min(1)).default([]),
  /** Repositories that provisioning creates. */
  create: z.array(z.string().min(1)).default([]),
});

const Git = z.strictObject({
  url: z.string().regex(/^(https?|ssh):\/\/\S+$/, 'must be an https:// or ssh:// URL; git@host:path is not accepted'),
  ref: z
    .string()
    .default('refs/heads/main')
    .superRefine((ref, context) => {
      if (!ref.startsWith('refs/')) {
        context.addIssue({ code: 'custom', message: `must be a full ref name: write refs/heads/${ref}` });
      }
    }),
  /** Folder of the repository that the cluster is synchronised from. */
  path: z.string().min(1).default('./'),
  interval: z.string().default('1m0s'),
  credential: z
    .strictObject({
      secret: DnsLabel.default('git-auth'),
      kind: z.enum(['basic', 'bearer', 'ssh']).default('basic'),
      /** Default: the name that the host wants beside a token. */
      username: z.string().min(1).optional(),
      /** What the credential may do; committing image updates needs `write`. */
      access: z.enum(['read', 'write']).default('write'),
    })
    .prefault({}),
});

const Flux = z.strictObject({
  /** Version of both charts, flux-operator and flux-instance. */
  operatorVersion: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/, 'must be a whole version such as 0.58.1')
    .default('0.58.1'),
  /** Version or range of Flux. */
  version: z
    .string()
    .regex(/^[v^~<>= \d.x*-]+$/, 'must be a version or a range')
    .refine((version) => !/^\d+(\.\d+)?$/.test(version), 'would be read as a number: write 2.9.x or 2.9.4')
    .default('2.x'),
  registry: z.string().default('ghcr.io/fluxcd'),
  variant: z
    .enum(['upstream-alpine', 'enterprise-alpine', 'enterprise-distroless', 'enterprise-distroless-fips'])
    .optional(),
  /** OCI artifact with newer manifests; '' keeps to those in the operator's image. */
  artifact: z
    .string()
    .regex(/^(oci:\/\/.+)?$/, 'must begin with oci://')
    .optional(),
  size: z.enum(['small', 'medium', 'large']).optional(),
  components: z
    .array(z.string())
    .default([
      ...['source-controller', 'kustomize-controller', 'helm-controller', 'notification-controller'],
      ...['image-reflector-controller', 'image-automation-controller'],
    ]),
  /** Further values of the flux-instance chart, checked against what the chart knows. */
  values: z.record(z.string(), z.unknown()).default({}),
});

/** How Millrace itself is installed: its charts and its image. */
const Millrace = z.strictObject({
  /** Version of both charts, millrace and millrace-crds, and tag of the image. */
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, 'must be a whole version such as 0.1.0')
    .default('0.1.0'),
  /** Where the charts are: an OCI or Helm repository, or a folder. Left out: `charts` in the own ECR registry. */
  charts: z
    .string()
    .regex(
      /^(oci:\/\/|https:\/\/|\.{1,2}\/|\/)\S*[^/\s]$/,
      'must be oci://…, https://… or a folder (./charts), without a / at its end',
    )
    .optional(),
  /** Name of the image, without its tag. Left out: `millrace` in the own ECR registry. */
  image: z
    .string()
    .min(1)
    .refine((image) => !/:[^/]+$/.test(image), 'must be an image name without a tag')
    .optional(),
  /** One Deployment of all controllers, or one for each with a ServiceAccount of its own. */
  topology: z.enum(['single', 'split']).default('single'),
  /** Further values of the millrace chart; its own schema checks them. */
  values: z.record(z.string(), z.unknown()).default({}),
});

const Terraform = z.strictObject({
  /** Flux by the two Helm charts, or by the bootstrap module, which leaves the operator and the FluxInstance to git. */
  install: z.enum(['charts', 'bootstrap']).default('charts'),
  /** Role by terraform-aws-modules/iam or by plain resources. */
  role: z.enum(['plain', 'module']).default('plain'),
  /** Lets the module add a random suffix to the role's name. */
  useNamePrefix: z.boolean().default(false),
  /** Keep the git credential out of the state by write-only arguments (Terraform 1.11 and newer). */
  writeOnlySecrets: z.boolean().default(true),
  /** The releases were handed over to GitOps: Terraform leaves them as they are. */
  handedOver: z.boolean().default(false),
});

/** `millrace.yaml`: everything that provisioning has to know. docs/provisioning.md explains each field. */
export const Configuration = z.strictObject({
  /** Beginning of the names of what is made in AWS. */
  name: DnsLabel,
  /** Who delivers: Flux by its operator, or Millrace itself. */
  engine: z.enum(['flux', 'millrace']).default('flux'),
  identity: z.enum(['irsa', 'pod-identity']).default('irsa'),
  aws: Aws,
  cluster: Cluster,
  ecr: Ecr.prefault({}),
  git: Git,
  images: z.array(Image).default([]),
  automation: z
    .strictObject({
      /** Folder whose markers are updated. Default: `git.path`. */
      path: z.string().optional(),
      /** Branch to push to, where it is not the one that is synchronised. */
      pushBranch: z.string().optional(),
      author: z
        .strictObject({
          name: z.string().default('millrace'),
          email: z.string().default('millrace@users.noreply.local'),
        })
        .prefault({}),
    })
    .prefault({}),
  /** Push events of ECR through EventBridge and SQS. */
  events: z.boolean().default(false),
  flux: Flux.prefault({}),
  millrace: Millrace.prefault({}),
  terraform: Terraform.prefault({}),
});
export type Configuration = z.output<typeof Configuration>;

/** Reads a configuration; `where` names the file in errors. Throws CONFIGURATION_INVALID with every fault at once. */
export function parseConfiguration(value: unknown, where: string): Configuration {
  const result = Configuration.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message, code, ...issue }) => {
    const place = path.length === 0 ? 'top level' : path.join('.');
    if (code === 'unrecognized_keys' && 'keys' in issue) return `${place}: no such field: ${String(issue.keys)}`;
    return `${place}: ${code === 'invalid_type' && /received undefined$/.test(message) ? 'is missing' : message}`;
  });
  throw new MillraceError('CONFIGURATION_INVALID', `${where}: ${faults.join('; ')}`, {
    retry: 'never',
    hint: 'docs/provisioning.md has every field; `millrace init` writes a configuration to begin with.',
  });
}
