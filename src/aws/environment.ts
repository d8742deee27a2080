import { type ProxySettings, proxyFromEnv } from '../http/proxy.ts';

/** What the standard AWS variables say; the command line parses them once and hands them in. */
export interface AwsEnvironment {
  /** Injected web identity, as the EKS webhook sets it (IRSA). */
  webIdentity?: { roleArn: string; tokenFile: string; sessionName?: string };
  /** EKS Pod Identity: the agent's address and the file with the token for it. */
  podIdentity?: { uri: string; tokenFile: string };
  staticKeys?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  profile?: string;
  endpoints: AwsEndpoints;
}

/** How AWS is reached: addresses to use in the place of its own, by service, and the proxy for all of them. */
export interface AwsEndpoints {
  sts?: string;
  ecr?: string;
  ecrPublic?: string;
  sqs?: string;
  iam?: string;
  kms?: string;
  eks?: string;
  events?: string;
  proxy?: ProxySettings;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the variables that AWS's own tools read: roles, keys, profile, `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`; and the proxy variables. */
export function parseAwsEnvironment(env: Variables): AwsEnvironment {
  const environment: AwsEnvironment = { endpoints: parseEndpoints(env) };
  const { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_SESSION_NAME: sessionName } = env;
  if (roleArn && tokenFile) environment.webIdentity = { roleArn, tokenFile, ...(sessionName && { sessionName }) };
  const uri = env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  const agentToken = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  if (uri && agentToken) environment.podIdentity = { uri, tokenFile: agentToken };
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  if (accessKeyId && secretAccessKey) {
    environment.staticKeys = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
  }
  if (env['AWS_PROFILE']) environment.profile = env['AWS_PROFILE'];
  return environment;
}

function parseEndpoints(env: Variables): AwsEndpoints {
  const proxy = proxyFromEnv(env);
  const endpoints: AwsEndpoints = proxy === undefined ? {} : { proxy };
  const names = {
    sts: 'STS',
    ecr: 'ECR',
    ecrPublic: 'ECR_PUBLIC',
    sqs: 'SQS',
    iam: 'IAM',
    kms: 'KMS',
    eks: 'EKS',
    events: 'EVENTBRIDGE',
  } as const;
  for (const service of Object.keys(names) as (keyof typeof names)[]) {
    const endpoint = env[`AWS_ENDPOINT_URL_${names[service]}`] || env['AWS_ENDPOINT_URL'];
    if (endpoint && env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] !== 'true') endpoints[service] = endpoint;
  }
  return endpoints;
}
