import { annotatedRole, record, text } from './facts.ts';
import type { Report } from './rule.ts';

/** What a placeholder of a command stands for, and where a report shows it. */
interface Placeholder {
  means: string;
  find?(report: Report): string | undefined;
}

/**
 * The placeholders of the rules' commands. A name is taken from the facts first, then from the line. What has no `find` is for the
 * user to know: a password, a name that AWS alone has.
 */
const placeholders: Readonly<Record<string, Placeholder>> = {
  NS: { means: 'namespace of the object that complains', find: namespaceOf },
  NAME: { means: 'name of the object that complains', find: nameOf },
  OBJECT: { means: 'kind/name of the object that complains', find: complainer },
  FAILED: { means: 'kind/name of the object that the message names', find: (report) => failed(report)?.object },
  FAILED_NS: { means: 'its namespace', find: (report) => failed(report)?.namespace ?? namespaceOf(report) },
  MISSING_NS: {
    means: 'the namespace that does not exist',
    find: ({ facts, symptom }) => first(symptom, /namespaces? "([^"]+)" not found/i) ?? text(facts, 'target_namespace'),
  },
  SA: {
    means: "the controller's ServiceAccount, which its Deployment is called after",
    find: (report) => account(report)?.name,
  },
  SA_NS: {
    means: "the controller's namespace",
    find: (report) => account(report)?.namespace ?? text(report.facts, 'pod_namespace'),
  },
  CONTROLLER: {
    means: 'Deployment of the controller',
    find: ({ component }) => (isController(component) ? component : undefined),
  },
  ROLE: { means: 'name of the IAM role', find: (report) => roleArn(report)?.replace(/^.*\//, '') },
  ROLE_ARN: { means: 'ARN of the IAM role that the controller is to have', find: roleArn },
  RIGHT_ROLE_ARN: { means: 'ARN of the role that was meant' },
  REGISTRY_OBJECT: {
    means: 'kind/name of the ImageRepository, OCIRepository or HelmRepository',
    find: (report) =>
      /^(Image|OCI|Helm)Repository$/.test(text(report.facts, 'object_kind') ?? '') ? complainer(report) : undefined,
  },
  NODE_ROLE: {
    means: "name of the nodes' IAM role",
    find: ({ symptom }) => first(symptom, /assumed-role\/([\w+=,.@-]+)\/i-[0-9a-f]{8,17}\b/),
  },
  ACCOUNT: {
    means: 'AWS account of the role',
    find: (report) => text(report.facts, 'role_account') ?? roleArn(report)?.split(':')[4],
  },
  REGION: { means: 'AWS region', find: region },
  CLUSTER: { means: 'name of the EKS cluster', find: ({ facts }) => text(facts, 'cluster_name') },
  ISSUER: {
    means: "the cluster's OIDC issuer: aws eks describe-cluster --query cluster.identity.oidc.issuer",
    find: issuer,
  },
  PROVIDER_ARN: { means: "ARN of IAM's identity provider of the cluster", find: providerArn },
  ACTION: {
    means: 'the action that is denied',
    find: ({ symptom }) => first(symptom, /(?:not authorized to perform:? ?|policy allows the )(ecr:\w+)/i),
  },
  REPOSITORY_ARN: { means: 'ARN of the ECR repository', find: repositoryArn },
  REPOSITORY: {
    means: 'name of the ECR repository',
    find: (report) => ecrImage(report)?.repository ?? first(report.symptom, /repository with name '([^']+)'/i),
  },
  REGISTRY_ACCOUNT: {
    means: 'AWS account of the registry',
    find: (report) =>
      ecrImage(report)?.account ??
      text(report.facts, 'registry_account') ??
      first(report.symptom, /registry with id '(\d{12})'/),
  },
  IMAGE: {
    means: 'the image, without a tag',
    find: (report) => ecrImage(report)?.image ?? text(report.facts, 'image'),
  },
  IMAGE_REPOSITORY: {
    means: 'the ImageRepository of the policy',
    find: (report) =>
      text(report.facts, 'object_kind') === 'ImageRepository' ? nameOf(report) : text(report.facts, 'image_repository'),
  },
  SECRET: {
    means: 'the Secret that the object names',
    find: ({ facts, symptom }) =>
      text(facts, 'git_secret_name') ??
      text(facts, 'registry_secret') ??
      first(symptom, /secrets? [\\"']*(?:[\w.-]+\/)?([\w.-]+)[\\"']* not found/i) ??
      first(symptom, /secret(?:Ref)? '?(?:[\w-]+\/)([\w.-]*\w)'?/i),
  },
  USERNAME: { means: 'the user that the git host wants with the token' },
  TOKEN: { means: 'the new token; nobody shows it' },
  URL: { means: 'URL of the git repository', find: gitUrl },
  HOST: { means: 'the host that does not answer', find: (report) => hostOf(report)?.name },
  PORT: { means: 'its port', find: (report) => hostOf(report)?.port },
  GIT_REPOSITORY: {
    means: 'name of the repository in CodeCommit',
    find: (report) => gitUrl(report)?.replace(/^.*\//, ''),
  },
  PATH: { means: 'folder of the Kustomization, in a clone', find: ({ facts }) => text(facts, 'path') },
  KIND: {
    means: 'the kind that is not served',
    find: ({ symptom }) => first(symptom, /no matches for kind "([^"]+)"/i),
  },
  CRD: {
    means: 'the CustomResourceDefinition',
    find: ({ symptom }) => first(symptom, /CustomResourceDefinition[\w.]* "([^"]+)" is invalid/i),
  },
  USER: { means: 'the account that lacks it', find: ({ symptom }) => first(symptom, /User "([^"]+)" cannot/i) },
  VERB: { means: 'what it may not do', find: ({ symptom }) => first(symptom, /User "[^"]+" cannot (\w+)/i) },
  RESOURCE: { means: 'to which resource', find: forbiddenResource },
  RBAC_NS: {
    means: 'in which namespace',
    find: (report) => first(report.symptom, /cannot [\s\S]*in the namespace "([^"]+)"/i) ?? namespaceOf(report),
  },
  SERVICE: { means: 'the Service behind the webhook', find: (report) => webhookService(report)?.name },
  SERVICE_NS: { means: 'its namespace', find: (report) => webhookService(report)?.namespace },
  RELEASE: { means: 'the Helm release', find: (report) => release(report)?.name },
  RELEASE_NS: { means: 'its namespace', find: (report) => release(report)?.namespace },
  CHART: {
    means: 'the chart',
    find: ({ symptom }) => first(symptom, /chart "([^"]+)"/i) ?? first(symptom, /found for ([\w.-]+?)-[\d.*x^~<>=]/i),
  },
};

/** What a placeholder stands for, for whoever has to put it in. */
export function meaningOf(placeholder: string): string | undefined {
  return placeholders[placeholder]?.means;
}

/** The placeholders of a text, without their `$`. */
export function placeholdersOf(text: string): string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name);
}

/** Puts the names that a report shows into a command; placeholders whose name it does not show stay. */
export function withNames(command: string, report: Report): string {
  return command.replace(pattern, (whole, name: string) => {
    const value = placeholders[name]?.find?.(report);
    // A line from anywhere is no shell script: what would need quoting is left to the reader.
    return value !== undefined && plain.test(value) ? value : whole;
  });
}

const pattern = /\$([A-Z][A-Z_]+)\b/g;
const plain = /^[\w.@:/+=,%~][\w.@:/+=,%~-]*$/;

function first(symptom: string, pattern: RegExp): string | undefined {
  return pattern.exec(symptom)?.[1];
}

function isController(component: string | undefined): boolean {
  return (
    component !== undefined &&
    /^(source|kustomize|helm|notification|image-(reflector|automation))-controller$/.test(component)
  );
}

function namespaceOf({ facts, symptom }: Report): string | undefined {
  return (
    text(facts, 'object_namespace') ??
    first(symptom, /"namespace": ?"([^"]+)"/) ??
    first(symptom, /secret(?:Ref)? '?([\w-]+)\/[\w.-]+/i)
  );
}

function nameOf({ facts, symptom }: Report): string | undefined {
  return text(facts, 'object_name') ?? first(symptom, /"name": ?"([^"]+)"/);
}

function complainer(report: Report): string | undefined {
  const kind = text(report.facts, 'object_kind') ?? first(report.symptom, /"controllerKind": ?"([^"]+)"/);
  const name = nameOf(report);
  return kind === undefined || name === undefined ? undefined : `${kind.toLowerCase()}/${name}`;
}

/** The object that a message names as `Kind/namespace/name`, or as the API server does: `Kind.group "name" is invalid`. */
function failed({ symptom }: Report): { object: string; namespace?: string } | undefined {
  const [, kind, namespace, name] = /\b([A-Z][A-Za-z]+)\/([a-z0-9][\w.-]*)\/([a-z0-9][\w.-]*)/.exec(symptom) ?? [];
  if (kind !== undefined && namespace !== undefined) return { object: `${kind.toLowerCase()}/${name}`, namespace };
  const [, invalidKind, invalidName] =
    /\b([A-Z][A-Za-z]+)(?:\.[\w.]+)? "([^"]+)" is (?:invalid|forbidden)/.exec(symptom) ?? [];
  return invalidKind === undefined ? undefined : { object: `${invalidKind.toLowerCase()}/${invalidName}` };
}

/** The ServiceAccount whose identity is in question. */
function account({ facts, symptom, component }: Report): { namespace?: string; name: string } | undefined {
  const subject = text(facts, 'token_sub') ?? first(symptom, /(system:serviceaccount:[\w.-]+:[\w.-]+)/);
  const named =
    text(facts, 'controller_sa') ??
    first(symptom, /service account '([\w.-]+\/[\w.-]+)'/i) ??
    subject?.split(':').slice(2).join('/');
  const [namespace, name] = named?.split('/') ?? [];
  if (namespace !== undefined && name !== undefined) return { namespace, name };
  return component !== undefined && isController(component) ? { name: component } : undefined;
}

function roleArn({ facts, symptom }: Report): string | undefined {
  const associated = text(record(facts, 'pod_identity_association') ?? {}, 'role_arn');
  const named =
    annotatedRole(facts) ?? associated ?? first(symptom, /(arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]*[\w+=@-])/);
  if (named !== undefined) return named;
  // The session of an instance is the node's role, which nobody wants to be.
  const [, partition, account, role] =
    /arn:(aws[\w-]*):sts::(\d{12}):assumed-role\/([\w+=,.@-]+)\/(?!i-[0-9a-f]{8,17}\b)/.exec(symptom) ?? [];
  return role === undefined ? undefined : `arn:${partition}:iam::${account}:role/${role}`;
}

interface EcrImage {
  account: string;
  region: string;
  repository?: string;
  image?: string;
}

/** The ECR image that a report is about: by the facts, a reference or URL in the line, or the ARN of a repository in it. */
function ecrImage({ facts, symptom }: Report): EcrImage | undefined {
  for (const where of [text(facts, 'image') ?? '', symptom]) {
    const [, host, account, region, path] =
      /((\d{12})\.dkr[.-]ecr[\w-]*\.([a-z0-9-]+)\.[a-z.]+[a-z])(?:\/([\w./-]+))?/.exec(where) ?? [];
    if (host === undefined || account === undefined || region === undefined) continue;
    const repository = path
      ?.replace(/^v2\//, '')
      .replace(/\/(tags|manifests|blobs)(\/.*)?$/, '')
      .replace(/[/.]+$/, '');
    const isNamed = repository !== undefined && repository !== '' && repository !== 'v2' && !repository.includes('...');
    return { account, region, ...(isNamed && { repository, image: `${host}/${repository}` }) };
  }
  const [, region, account, repository] =
    /arn:aws[\w-]*:ecr:([\w-]+):(\d{12}):repository\/([\w./-]*[\w])/.exec(symptom) ?? [];
  if (region === undefined || account === undefined || repository === undefined) return undefined;
  return { account, region, repository, image: `${account}.dkr.ecr.${region}.amazonaws.com/${repository}` };
}

function repositoryArn(report: Report): string | undefined {
  const named = first(report.symptom, /(arn:aws[\w-]*:ecr:[\w-]+:\d{12}:repository\/[\w./-]*\w)/);
  const image = ecrImage(report);
  if (named !== undefined || image?.repository === undefined) return named;
  return `arn:aws:ecr:${image.region}:${image.account}:repository/${image.repository}`;
}

function region(report: Report): string | undefined {
  const { facts, symptom } = report;
  const known = ecrImage(report)?.region ?? text(facts, 'cluster_region') ?? text(facts, 'pod_env_aws_region');
  return (
    known ?? first(`${issuer(report)} ${symptom}`, /\b(?:eks|sts|ecr|kms)\.([a-z]{2,4}(?:-[a-z]+)+-\d)\.amazonaws/)
  );
}

function issuer({ facts, symptom }: Report): string | undefined {
  const known = text(facts, 'oidc_issuer') ?? first(symptom, /(https:\/\/oidc\.eks\.[\w.-]+\/id\/\w+)/);
  return known === undefined || /^https?:\/\//.test(known) ? known : `https://${known}`;
}

function providerArn(report: Report): string | undefined {
  const host = issuer(report)?.replace(/^https:\/\//, '');
  const [, partition, , , roleAccount] = roleArn(report)?.split(':') ?? [];
  const owner = text(report.facts, 'role_account') ?? roleAccount;
  return host === undefined || owner === undefined
    ? undefined
    : `arn:${partition ?? 'aws'}:iam::${owner}:oidc-provider/${host}`;
}

/** Without the user info that a URL may carry. */
function gitUrl({ facts, symptom }: Report): string | undefined {
  const url =
    text(facts, 'git_url') ??
    first(symptom, /((?:https?|ssh):\/\/[\w.@:/~-]+\.git)\b/) ??
    first(symptom, /(?:clone|remote for|remote to|repository) ['"]((?:https?|ssh):\/\/[^'"\s]+)['"]/);
  return url?.replace(/^(https?:\/\/)[^/@]+@/, '$1');
}

function hostOf(report: Report): { name: string; port?: string } | undefined {
  const { symptom } = report;
  const looked =
    first(symptom, /\blookup ([a-z0-9.-]+)/i) ??
    first(symptom, /(?:connect to host|Could not resolve host:?|Failed to connect to) ([\w.-]+\w)/i);
  const port = first(symptom, /port (\d+)/i);
  if (looked !== undefined) return { name: looked, port: port ?? (/ssh:\/\//.test(symptom) ? '22' : '443') };
  const url = first(symptom, /((?:https?|ssh):\/\/[^\s'"]+)/) ?? gitUrl(report);
  const [, scheme, name, urlPort] = /^(\w+):\/\/(?:[^/@]*@)?([\w.-]+)(?::(\d+))?/.exec(url ?? '') ?? [];
  const usual = scheme === 'ssh' ? '22' : '443';
  return name === undefined ? undefined : { name, port: urlPort ?? usual };
}

function forbiddenResource({ symptom }: Report): string | undefined {
  const [, resource, group] = /cannot \w+ resource "([^"]+)" in API group "([^"]*)"/i.exec(symptom) ?? [];
  return resource === undefined || group === '' ? resource : `${resource}.${group}`;
}

function webhookService({ facts, symptom }: Report): { namespace: string; name: string } | undefined {
  const [, name, namespace] = /https:\/\/([\w-]+)\.([\w-]+)\.svc\b/.exec(symptom) ?? [];
  const known = text(facts, 'webhook_service')?.split('/') ?? [namespace, name];
  const [knownNamespace, knownName] = known;
  return knownNamespace === undefined || knownName === undefined
    ? undefined
    : { namespace: knownNamespace, name: knownName };
}

function release(report: Report): { namespace?: string; name: string } | undefined {
  const [, namespace, name] = /\brelease:? "?([a-z0-9-]+)\/([a-z0-9-]+)/.exec(report.symptom) ?? [];
  if (name !== undefined && namespace !== undefined) return { namespace, name };
  const own = text(report.facts, 'object_kind') === 'HelmRelease' ? nameOf(report) : undefined;
  if (own === undefined) return undefined;
  const where = text(report.facts, 'target_namespace') ?? namespaceOf(report);
  return { name: own, ...(where !== undefined && { namespace: where }) };
}
