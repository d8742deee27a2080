import { readFile } from 'node:fs/promises';
import { errorMessage, isMillraceError, MillraceError } from '../base/error.ts';
import type { ObjectKey } from '../base/kube-object.ts';
import { formatKey } from '../base/kube-object.ts';
import { awsErrorCode } from './aws-error.ts';
import { type CredentialCacheOptions, createCredentialCache } from './credential-cache.ts';
import type { AwsEnvironment } from './environment.ts';
import type { AwsSession } from './identity.ts';
import { nodeRoleCredentials, podIdentityCredentials, profileCredentials } from './other-credentials.ts';
import { viaProxy } from './sdk-transport.ts';
import { fitSessionName, sessionName } from './session-name.ts';
import { assumeRoleWithWebIdentity, callerArn } from './sts.ts';

/** The audience that STS expects in a web identity token. */
export const stsAudience = 'sts.amazonaws.com';

/** What the cluster answers about ServiceAccounts. */
export interface ServiceAccounts {
  /** The annotation `eks.amazonaws.com/role-arn`; undefined where it or the ServiceAccount is absent. */
  roleArn(serviceAccount: ObjectKey, signal: AbortSignal): Promise<string | undefined>;
  /** A token of the TokenRequest API. */
  webIdentityToken(serviceAccount: ObjectKey, audience: string, signal: AbortSignal): Promise<string>;
}

export interface AwsIdentitiesOptions {
  environment: AwsEnvironment;
  /** Absent outside a cluster. */
  serviceAccounts?: ServiceAccounts;
  /** The ServiceAccount whose role is the controller's own identity; absent: injected identities only. */
  controllerServiceAccount?: ObjectKey;
  /** Whether the node's role may be used at all. Default false: every pod of the node has it. */
  allowNodeRole?: boolean;
  cache?: CredentialCacheOptions;
}

/**
 * AWS sessions by identity and region, cached and renewed before they end. `proxy`: URL of the proxy for the calls to STS, in
 * the place of the environment's.
 */
export interface AwsIdentities {
  /**
   * The controller's own session. Sources in this order: role of its ServiceAccount by TokenRequest, injected web
   * identity, Pod Identity, access keys, profile, node role. Throws AWS_NO_CREDENTIALS naming what each source lacked.
   */
  controller(region: string, signal: AbortSignal, proxy?: string): Promise<AwsSession>;
  /** The session of an object's own ServiceAccount (spec/image.md §3.8). There is no fall-back to the controller's. */
  serviceAccount(serviceAccount: ObjectKey, region: string, signal: AbortSignal, proxy?: string): Promise<AwsSession>;
  /** Forgets the cached session because a service refused it as expired. */
  drop(serviceAccount: ObjectKey | undefined, region: string, proxy?: string): void;
}

const roleArnPattern = /^arn:aws[\w-]*:iam::[0-9]{1,30}:role\/.{1,200}$/;

export function createAwsIdentities(options: AwsIdentitiesOptions): AwsIdentities {
  const cache = createCredentialCache<AwsSession>(options.cache);
  const expiring = async (session: Promise<AwsSession>) => {
    const value = await session;
    const { expiresAt } = value.credentials;
    return { value, ...(expiresAt !== undefined && { expiresAt }) };
  };
  const cacheKey = (serviceAccount: ObjectKey | undefined, region: string, proxy = '') =>
    `${serviceAccount === undefined ? '' : formatKey(serviceAccount)} ${region} ${proxy}`;
  const routed = (proxy: string | undefined): AwsIdentitiesOptions => {
    const { environment } = options;
    return { ...options, environment: { ...environment, endpoints: viaProxy(environment.endpoints, proxy) } };
  };
  return {
    controller(region, signal, proxy) {
      const load = (deadline: AbortSignal) => expiring(firstSession(routed(proxy), region, deadline));
      return cache.get(cacheKey(undefined, region, proxy), load, signal);
    },
    serviceAccount(account, region, signal, proxy) {
      const load = (deadline: AbortSignal) => expiring(accountSession(routed(proxy), account, region, deadline));
      return cache.get(cacheKey(account, region, proxy), load, signal);
    },
    drop: (account, region, proxy) => cache.drop(cacheKey(account, region, proxy)),
  };
}

type Source = (options: AwsIdentitiesOptions, region: string, signal: AbortSignal) => Promise<AwsSession | string>;

/** Each gives a session, or says why it has none to give. Whatever fails after that is an error, not a reason to go on. */
const sources: readonly [name: string, source: Source][] = [
  ['service account', controllerAccountSession],
  ['injected web identity', injectedSession],
  ['Pod Identity', podIdentitySession],
  ['access keys', staticSession],
  ['profile', profileSession],
  ['node role', nodeRoleSession],
];

async function firstSession(options: AwsIdentitiesOptions, region: string, signal: AbortSignal): Promise<AwsSession> {
  const lacking: string[] = [];
  for (const [name, source] of sources) {
    const session = await source(options, region, signal);
    if (typeof session !== 'string') return session;
    lacking.push(`${name}: ${session}`);
  }
  throw new MillraceError('AWS_NO_CREDENTIALS', `no AWS credentials (${lacking.join('; ')})`, {
    hint: `Annotate the ServiceAccount ${options.controllerServiceAccount?.name ?? 'of the controller'} with eks.amazonaws.com/role-arn; no restart is needed.`,
  });
}

async function controllerAccountSession(options: AwsIdentitiesOptions, region: string, signal: AbortSignal) {
  const { serviceAccounts, controllerServiceAccount: account } = options;
  if (serviceAccounts === undefined || account === undefined) return 'none configured';
  const { webIdentity, podIdentity } = options.environment;
  let roleArn: string | undefined;
  try {
    roleArn = await serviceAccounts.roleArn(account, signal);
  } catch (error) {
    // With an identity of its own injected, a pod needs no right to read ServiceAccounts.
    if (isMillraceError(error, 'KUBE_FORBIDDEN')) return errorMessage(error);
    throw error;
  }
  if (roleArn === undefined) return `${formatKey(account)} has no annotation eks.amazonaws.com/role-arn`;
  try {
    return await accountSession(options, account, region, signal, roleArn);
  } catch (error) {
    // Nor the right to ask for tokens; without anything injected its absence is what is wrong.
    const isInjected = webIdentity !== undefined || podIdentity !== undefined;
    if (isInjected && isMillraceError(error, 'KUBE_FORBIDDEN')) return errorMessage(error);
    throw error;
  }
}

async function accountSession(
  { serviceAccounts, environment }: AwsIdentitiesOptions,
  account: ObjectKey,
  region: string,
  signal: AbortSignal,
  knownArn?: string,
): Promise<AwsSession> {
  if (serviceAccounts === undefined) throw new Error('object-level identity without access to a cluster');
  const roleArn = knownArn ?? (await serviceAccounts.roleArn(account, signal));
  if (roleArn === undefined || !roleArnPattern.test(roleArn)) {
    const message = `failed to get provider identity from service account '${formatKey(account)}' annotations: invalid eks.amazonaws.com/role-arn annotation: '${roleArn ?? ''}'. must match ${roleArnPattern.source.replaceAll('\\/', '/')}`;
    throw new MillraceError('AWS_IDENTITY_INVALID', message, {
      hint: 'Set the annotation to the ARN of the IAM role, arn:aws:iam::ACCOUNT:role/NAME.',
    });
  }
  const token = await serviceAccounts.webIdentityToken(account, stsAudience, signal);
  const request = {
    roleArn,
    token,
    region,
    endpoints: environment.endpoints,
    sessionName: sessionName(account, region),
    provider: 'service-account' as const,
    subject: `service account ${formatKey(account)}`,
  };
  return assumeRoleWithWebIdentity(request, signal);
}

async function injectedSession({ environment }: AwsIdentitiesOptions, region: string, signal: AbortSignal) {
  const { webIdentity, endpoints } = environment;
  if (webIdentity === undefined) return 'AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE are not set';
  const exchange = async () => {
    // The kubelet rotates the file, so it is read anew for every exchange.
    const token = (await readTokenFile(webIdentity.tokenFile)).trim();
    const name = webIdentity.sessionName ?? `millrace.${region}`;
    const request = {
      roleArn: webIdentity.roleArn,
      token,
      region,
      endpoints,
      sessionName: fitSessionName(name),
      provider: 'web-identity' as const,
      subject: `token file ${webIdentity.tokenFile}`,
    };
    return assumeRoleWithWebIdentity(request, signal);
  };
  try {
    return await exchange();
  } catch (error) {
    // The file may have been rotated between reading and sending.
    if (awsErrorCode(error)?.startsWith('ExpiredToken') !== true) throw error;
    return exchange();
  }
}

async function podIdentitySession({ environment }: AwsIdentitiesOptions, region: string, signal: AbortSignal) {
  if (environment.podIdentity === undefined) return 'AWS_CONTAINER_CREDENTIALS_FULL_URI is not set';
  const credentials = await podIdentityCredentials(environment.podIdentity, signal);
  return { credentials, identity: { provider: 'pod-identity', arn: await arnOf(credentials) } } as const;

  function arnOf(own: AwsSession['credentials']) {
    return callerArn(own, { region, endpoints: environment.endpoints }, signal);
  }
}

async function staticSession({ environment }: AwsIdentitiesOptions, region: string, signal: AbortSignal) {
  const { staticKeys: credentials, endpoints } = environment;
  if (credentials === undefined) return 'AWS_ACCESS_KEY_ID is not set';
  const arn = await callerArn(credentials, { region, endpoints }, signal);
  return { credentials, identity: { provider: 'static', arn } } as const;
}

async function profileSession({ environment }: AwsIdentitiesOptions, region: string, signal: AbortSignal) {
  const { profile, endpoints } = environment;
  if (profile === undefined) return 'AWS_PROFILE is not set';
  const credentials = await profileCredentials(profile);
  const arn = await callerArn(credentials, { region, endpoints }, signal);
  return { credentials, identity: { provider: 'profile', arn } } as const;
}

async function nodeRoleSession(options: AwsIdentitiesOptions, region: string, signal: AbortSignal) {
  if (options.allowNodeRole !== true) return 'IMDS is not allowed (--allow-node-role)';
  const credentials = await nodeRoleCredentials();
  const arn = await callerArn(credentials, { region, endpoints: options.environment.endpoints }, signal);
  return { credentials, identity: { provider: 'node-role', arn } } as const;
}

async function readTokenFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('AWS_IDENTITY_INVALID', `cannot read the web identity token: ${errorMessage(cause)}`, {
      cause,
      hint: 'The EKS webhook mounts it; the pod must have been created after the ServiceAccount was annotated.',
    });
  }
}
