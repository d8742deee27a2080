/** Texts that several rules share, because programs say the same for several causes. */

/** An AWS SDK went through its whole credential chain to the node and found nothing: the pod has no identity of its own. */
export const noPodIdentity =
  /no EC2 IMDS role found|AWS_REGION environment variable is not set in the Flux controller|Could not load credentials from any providers|Unable to locate credentials|NoCredentialProviders|Missing credentials in config|Unable to load credentials from any of the providers in the chain|no AWS credentials \(service account|does not (mount|inject)[^.]*\b(AWS|token|environment)/i;

/** The caller of a refused call is an EC2 instance: the node's role answered in place of the pod's. */
export const nodeCaller = /assumed-role\/[\w+=,.@-]+\/i-[0-9a-f]{8,17}\b/i;

/** STS refuses by the role's trust policy; it never says which part did not match. */
export const trustRefused = /Not authorized to perform:? ?sts:AssumeRoleWithWebIdentity/i;

/** TCP, DNS or TLS did not come about. */
const unreachable = String.raw`(dial tcp|i/o timeout|no such host|connection (refused|reset)|context deadline exceeded|TLS handshake timeout|request send failed|getaddrinfo \w+|connect E[A-Z]+|timed? ?out|could not connect to the endpoint|request canceled while waiting|SSL|doesn't match|certificate is valid for)`;

/** `host` (a pattern source) could not be reached, in either order of words. */
export function cannotReach(host: string): RegExp {
  return new RegExp(`${host}[\\s\\S]*${unreachable}|${unreachable}[\\s\\S]*${host}`, 'i');
}

/** A host of ECR's registry. */
export const ecrHost = String.raw`\d{12}\.dkr[.-]ecr[\w-]*\.[a-z0-9-]+\.[a-z.]+`;
