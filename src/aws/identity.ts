/** Where credentials came from, in the order in which the sources are asked. */
export type CredentialProvider =
  /** A ServiceAccount's role by TokenRequest: IRSA without the webhook. */
  | 'service-account'
  /** The role and token file that the EKS webhook injected: IRSA. */
  | 'web-identity'
  | 'pod-identity'
  /** Access keys in the environment. */
  | 'static'
  /** A profile of the AWS configuration files: SSO, assumed roles, processes. */
  | 'profile'
  /** The node's role by IMDS; only where the operator allows it. */
  | 'node-role';

/** Who we are to AWS. */
export interface AwsIdentity {
  provider: CredentialProvider;
  /** As sts:GetCallerIdentity gives it, `arn:aws:sts::111122223333:assumed-role/reader/session` for a role. */
  arn: string;
}

export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  /** Milliseconds since the epoch, by our clock; absent for keys that do not expire. */
  expiresAt?: number;
  /** How far AWS's clock is ahead of ours, where that was noticed. */
  clockAheadMs?: number;
}

/** Credentials and whose they are. */
export interface AwsSession {
  credentials: AwsCredentials;
  identity: AwsIdentity;
  /** The sources that were asked before the one that gave it, with what each lacked. */
  passedOver?: readonly string[];
}

const providerNames: Record<CredentialProvider, string> = {
  'service-account': 'ServiceAccount token (IRSA)',
  'web-identity': 'injected web identity (IRSA)',
  'pod-identity': 'EKS Pod Identity',
  static: 'access keys of the environment',
  profile: 'AWS profile',
  'node-role': 'node role (IMDS)',
};

/** `ServiceAccount token (IRSA) arn:aws:…`: how an identity is shown to people. */
export function formatIdentity({ provider, arn }: AwsIdentity): string {
  return `${providerNames[provider]} ${arn}`;
}
