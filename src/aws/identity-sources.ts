import { readFile } from 'node:fs/promises';
import { errorMessage, isMillraceError, MillraceError } from '../base/error.ts';
import { formatKey, type ObjectKey } from '../base/kube-object.ts';
import { awsErrorCode } from './aws-error.ts';
import type { AwsEnvironment } from './environment.ts';
import type { AwsCredentials, AwsSession, CredentialProvider } from './identity.ts';
import { podIdentityCredentials } from './pod-identity-agent.ts';
import { defaultProfileCredentials, nodeRoleCredentials, profileCredentials } from './sdk-credentials.ts';
import { fitSessionName, sessionName } from './session-name.ts';
import { assumeRoleWithWebIdentity, callerOf } from './sts.ts';

/** The audience that STS expects in a web identity token. */
export const stsAudience = 'sts.amazonaws.com';

/** What the cluster answers about ServiceAccounts. */
export interface ServiceAccounts {
  /** The annotation `eks.amazonaws.com/role-arn`, if any. Throws KUBE_NOT_FOUND for a ServiceAccount that is not there. */
  roleArn(serviceAccount: ObjectKey, signal: AbortSignal): Promise<string | undefined>;
  /** A token of the TokenRequest API. */
  webIdentityToken(serviceAccount: ObjectKey, audience: string, signal: AbortSignal): Promise<string>;
}

/** What the sources are asked with. */
export interface IdentityFacts {
  environment: AwsEnvironment;
  /** Absent outside a cluster. */
  serviceAccounts?: ServiceAccounts;
  /** The ServiceAccount whose role is the controller's own identity; absent: injected identities only. */
  controllerServiceAccount?: ObjectKey;
  /** Whether the node's role may be used at all. Default false: every pod of the node has it. */
  allowNodeRole?: boolean;
  /** Whether the profile `default` counts: for people, who expect it of every tool; not for controllers. */
  usesDefaultProfile?: boolean;
}

const roleArnPattern = /^arn:aws[\w-]*:iam::[0-9]{1,30}:role\/.{1,200}$/;

type Source = (options: IdentityFacts, region: string, signal: AbortSignal) => Promise<AwsSession | string>;

/** Each gives a session, or says why it has none to give. Whatever fails after that is an error, not a reason to go on. */
const sources: readonly [name: string, source: Source][] = [
  ['service account', controllerAccountSession],
  ['injected web identity', injectedSession],
  ['Pod Identity', podIdentitySession],
  ['access keys', staticSession],
  ['profile', profileSession],
  ['node role', nodeRoleSession],
];

/** What a source said: it gave a session, lacks something, or failed; `not asked` after one that did. */
export interface SourceAnswer {
  source: string;
  verdict: 'used' | 'lacking' | 'failed' | 'not asked';
  detail: string;
}

/** The controller's own session with what every source said to it; none where no source has one, `error` where one failed. */
export interface FoundIdentity {
  answers: SourceAnswer[];
  session?: AwsSession;
  error?: unknown;
}

/** Asks the sources in their order, without a cache. */
export async function findIdentity(
  options: IdentityFacts,
  region: string,
  signal: AbortSignal,
): Promise<FoundIdentity> {
  const found: FoundIdentity = { answers: [] };
  for (const [source, ask] of sources) {
    const answer = (verdict: SourceAnswer['verdict'], detail: string) =>
      found.answers.push({ source, verdict, detail });
    if (found.session !== undefined || found.error !== undefined) answer('not asked', '');
    else {
      try {
        const session = await ask(options, region, signal);
        if (typeof session === 'string') answer('lacking', session);
        else {
          answer('used', session.identity.arn);
          found.session = session;
        }
      } catch (error) {
        answer('failed', errorMessage(error));
        found.error = error;
      }
    }
  }
  return found;
}

async function controllerAccountSession(options: IdentityFacts, region: string, signal: AbortSignal) {
  const { serviceAccounts, controllerServiceAccount: account } = options;
  if (serviceAccounts === undefined || account === undefined) return 'none configured';
  const { webIdentity, podIdentity } = options.environment;
  let roleArn: string | undefined;
  try {
    roleArn = await serviceAccounts.roleArn(account, signal);
  } catch (error) {
    // With an identity of its own injected, a pod needs no right to read ServiceAccounts.
    if (isMillraceError(error, 'KUBE_FORBIDDEN')) return errorMessage(error);
    if (isMillraceError(error, 'KUBE_NOT_FOUND')) return `${formatKey(account)} does not exist`;
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

/** A ServiceAccount that an object names, or that counts where it names none. */
export interface AccountRef extends ObjectKey {
  isDefault?: boolean;
}

/** The role of a ServiceAccount by TokenRequest. Throws AWS_IDENTITY_INVALID where it is missing or names none. */
export async function accountSession(
  { serviceAccounts, environment }: IdentityFacts,
  account: AccountRef,
  region: string,
  signal: AbortSignal,
  knownArn?: string,
): Promise<AwsSession> {
  if (serviceAccounts === undefined) throw new Error('object-level identity without access to a cluster');
  const roleArn = knownArn ?? (await annotatedRole(serviceAccounts, account, signal));
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

async function annotatedRole(
  serviceAccounts: ServiceAccounts,
  account: AccountRef,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return await serviceAccounts.roleArn(account, signal);
  } catch (cause) {
    if (!isMillraceError(cause, 'KUBE_NOT_FOUND')) throw cause;
    const message = `failed to get service account '${formatKey(account)}': ${errorMessage(cause)}`;
    const { isDefault = false, name, namespace } = account;
    throw new MillraceError('AWS_IDENTITY_INVALID', isDefault ? `${message}: ${lockDown(name, namespace)}` : message, {
      cause,
      hint: `Create it: kubectl create serviceaccount ${name} -n ${namespace}, with the annotation eks.amazonaws.com/role-arn.`,
    });
  }
}

function lockDown(name: string, namespace: string): string {
  return `the default service account '${name}' does not exist in namespace '${namespace}', and the cluster is under multi-tenant lockdown (--default-service-account)`;
}

async function injectedSession({ environment }: IdentityFacts, region: string, signal: AbortSignal) {
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

async function podIdentitySession(options: IdentityFacts, region: string, signal: AbortSignal) {
  const { podIdentity } = options.environment;
  if (podIdentity === undefined) return 'AWS_CONTAINER_CREDENTIALS_FULL_URI is not set';
  return sessionOf('pod-identity', await podIdentityCredentials(podIdentity, signal), { options, region, signal });
}

async function staticSession(options: IdentityFacts, region: string, signal: AbortSignal) {
  const { staticKeys } = options.environment;
  if (staticKeys === undefined) return 'AWS_ACCESS_KEY_ID is not set';
  return sessionOf('static', staticKeys, { options, region, signal });
}

async function profileSession(options: IdentityFacts, region: string, signal: AbortSignal) {
  const { profile, endpoints } = options.environment;
  if (profile !== undefined)
    return sessionOf('profile', await profileCredentials(profile, endpoints), { options, region, signal });
  if (options.usesDefaultProfile !== true) return 'AWS_PROFILE is not set';
  const credentials = await defaultProfileCredentials(endpoints);
  if (credentials === undefined) return 'AWS_PROFILE is not set, and there is no default profile';
  return sessionOf('profile', credentials, { options, region, signal });
}

async function nodeRoleSession(options: IdentityFacts, region: string, signal: AbortSignal) {
  if (options.allowNodeRole !== true) return 'IMDS is not allowed (--allow-node-role)';
  return sessionOf('node-role', await nodeRoleCredentials(), { options, region, signal });
}

interface CallFacts {
  options: IdentityFacts;
  region: string;
  signal: AbortSignal;
}

/** Credentials that do not say whose they are: STS is asked. */
async function sessionOf(
  provider: CredentialProvider,
  credentials: AwsCredentials,
  { options, region, signal }: CallFacts,
): Promise<AwsSession> {
  const { endpoints } = options.environment;
  const { arn, clockAheadMs } = await callerOf(credentials, { region, endpoints }, signal);
  return { credentials: { ...credentials, ...(clockAheadMs !== 0 && { clockAheadMs }) }, identity: { provider, arn } };
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
