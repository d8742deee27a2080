/** Texts that several rules share, because programs say the same for several causes. */

/** An AWS SDK went through its whole credential chain to the node and found nothing: the pod has no identity of its own. */
export const noPodIdentity =
  /no EC2 IMDS role found|no EC2 instance role found|EnvAccessKeyNotFound|role ARN is not set|AWS_REGION environment variable is not set in the Flux controller|Could not load credentials from any providers|Unable to locate credentials|NoCredentialProviders|Missing credentials in config|Unable to load credentials from any of the providers in the chain|no AWS credentials \(service account|does not (mount|inject)[^.]*\b(AWS|token|environment)/i;

/** The caller of a refused call is an EC2 instance: the node's role answered in place of the pod's. */
export const nodeCaller = /assumed-role\/[^\s/]+\/(i-([0-9a-f]{8,17}\b|[x*]{2,}|[<{[.…])|[^\s]*instance-?id)/i;

/** STS refuses by the role's trust policy; it never says which part did not match. */
export const trustRefused = /Not authorized to perform:? ?sts:AssumeRoleWithWebIdentity/i;

/** TCP, DNS or TLS did not come about. */
const unreachable = String.raw`(dial tcp|i/o timeout|no such host|connection (refused|reset)|context deadline exceeded|TLS handshake timeout|request send failed|getaddrinfo \w+|connect E[A-Z]+|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ECONNRE(FUSED|SET)|connection was closed|timed? ?out|timeout|unexpected EOF|": EOF|Max retries exceeded|cannot assign requested address|no route to host|network is unreachable|Name or service not known|Temporary failure in name resolution|server misbehaving|UnknownHost|could not connect to the endpoint|request canceled while waiting|SSL|doesn't match|certificate is valid for)`;

/** `host` (a pattern source) could not be reached, in either order of words. */
export function cannotReach(host: string): RegExp {
  return new RegExp(`${host}[\\s\\S]*${unreachable}|${unreachable}[\\s\\S]*${host}`, 'i');
}

/** A status of HTTP, told apart from any other number by the words beside it; a pattern source. */
export function httpStatus(code: number): string {
  return String.raw`(HTTP|status|code|error|answers?|answered|returned|responded|response|unexpected)\b\W{0,12}(\w+\W{1,3}){0,2}${code}\b|[:[(]\s*${code}\W*$|\b${code} (Too Many|Gone)\b`;
}

/** A host of ECR's registry; accounts and regions are often blotted out in what people paste. */
export const ecrHost = String.raw`\.dkr[.-]ecr[\w-]*\.[\w<>{}*-]+\.[a-z.]+`;
