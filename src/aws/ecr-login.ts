import { withDeadline } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import { formatKey } from '../base/kube-object.ts';
import { awsError, awsErrorCode } from './aws-error.ts';
import { signedBy } from './clock-skew.ts';
import { type CredentialCacheOptions, createCredentialCache } from './credential-cache.ts';
import { type EcrHost, requireEcrHost } from './ecr-host.ts';
import type { AwsEndpoints } from './environment.ts';
import type { AwsIdentities } from './identities.ts';
import { type AwsIdentity, type AwsSession, formatIdentity } from './identity.ts';
import type { AccountRef } from './identity-sources.ts';
import { sdkTransport, viaProxy } from './sdk-transport.ts';
import { awsCallTimeoutMs } from './sts.ts';

/** A registry login and whose it is. */
export interface EcrLogin {
  username: string;
  password: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  identity: AwsIdentity;
}

export interface EcrLoginsOptions {
  identities: AwsIdentities;
  endpoints: AwsEndpoints;
  cache?: CredentialCacheOptions;
}

/** Who logs in, and by which way. */
export interface EcrLoginUser {
  /** The controller where left out. */
  serviceAccount?: AccountRef | undefined;
  /** URL of the proxy for the calls to STS and ECR, in the place of the environment's. */
  proxy?: string | undefined;
}

export interface EcrLogins {
  /**
   * A login for an ECR registry host, as the controller or as a ServiceAccount. Cached per region and identity: the
   * token serves every registry of the region that the identity may pull from. Throws ECR_HOST_INVALID and AWS_… errors.
   */
  login(host: string, options: EcrLoginUser & { signal: AbortSignal }): Promise<EcrLogin>;
  /** Forgets a login that a registry refused. */
  drop(host: string, user: EcrLoginUser): void;
}

export function createEcrLogins({ identities, endpoints, cache: cacheOptions }: EcrLoginsOptions): EcrLogins {
  const cache = createCredentialCache<EcrLogin>(cacheOptions);
  const fetchLogin = async (ecr: EcrHost, { serviceAccount, proxy }: EcrLoginUser, signal: AbortSignal) => {
    const session = () =>
      serviceAccount === undefined
        ? identities.controller(ecr.region, signal, proxy)
        : identities.serviceAccount(serviceAccount, ecr.region, signal, proxy);
    const route = viaProxy(endpoints, proxy);
    try {
      return await getAuthorizationToken(ecr, await session(), route, signal);
    } catch (error) {
      if (awsErrorCode(error)?.startsWith('ExpiredToken') !== true) throw error;
      // The session ended earlier than it said, or the clock jumped: once with a new one.
      identities.drop(serviceAccount, ecr.region, proxy);
      return getAuthorizationToken(ecr, await session(), route, signal);
    }
  };
  const cacheKey = (ecr: EcrHost, { serviceAccount, proxy = '' }: EcrLoginUser) => {
    const region = ecr.kind === 'public' ? 'public.ecr.aws' : ecr.region;
    return `${region} ${ecr.fips} ${serviceAccount === undefined ? '' : formatKey(serviceAccount)} ${proxy}`;
  };
  return {
    async login(host, { signal, ...user }) {
      const ecr = requireEcrHost(host);
      const load = async (loadSignal: AbortSignal) => {
        const value = await fetchLogin(ecr, user, loadSignal);
        return { value, expiresAt: value.expiresAt };
      };
      return cache.get(cacheKey(ecr, user), load, signal);
    },
    drop(host, user) {
      cache.drop(cacheKey(requireEcrHost(host), user));
    },
  };
}

/** A login of a session's own, not cached. Throws AWS_… errors. */
export async function getAuthorizationToken(
  ecr: EcrHost,
  session: AwsSession,
  endpoints: AwsEndpoints,
  signal: AbortSignal,
): Promise<EcrLogin> {
  const service = ecr.kind === 'public' ? 'ECR Public' : 'ECR';
  const operation = `${service} GetAuthorizationToken in ${ecr.region}`;
  try {
    const { token, expiresAt } = await withDeadline(signal, awsCallTimeoutMs, operation, (abortSignal) =>
      ecr.kind === 'public'
        ? requestPublicToken(session, endpoints, abortSignal)
        : requestPrivateToken(ecr, session, endpoints, abortSignal),
    );
    return { ...decodeToken(token), expiresAt, identity: session.identity };
  } catch (error) {
    throw awsError(error, operation, formatIdentity(session.identity));
  }
}

interface RawToken {
  token: string;
  expiresAt: number;
}

async function requestPrivateToken(
  ecr: EcrHost,
  session: AwsSession,
  endpoints: AwsEndpoints,
  abortSignal: AbortSignal,
) {
  const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
  const client = new ECRClient({
    region: ecr.region,
    maxAttempts: 3,
    ...sdkTransport(endpoints),
    ...signedBy(session.credentials),
    useFipsEndpoint: ecr.fips,
    useDualstackEndpoint: ecr.dualStack,
    ...(endpoints.ecr !== undefined && {
      endpoint: endpoints.ecr,
      useFipsEndpoint: false,
      useDualstackEndpoint: false,
    }),
  });
  try {
    const answer = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal });
    return rawToken(answer.authorizationData?.[0]);
  } finally {
    client.destroy();
  }
}

async function requestPublicToken(session: AwsSession, endpoints: AwsEndpoints, abortSignal: AbortSignal) {
  const { ECRPUBLICClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr-public');
  const client = new ECRPUBLICClient({
    region: 'us-east-1',
    maxAttempts: 3,
    ...sdkTransport(endpoints),
    ...signedBy(session.credentials),
    ...(endpoints.ecrPublic !== undefined && { endpoint: endpoints.ecrPublic }),
  });
  try {
    const answer = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal });
    return rawToken(answer.authorizationData);
  } finally {
    client.destroy();
  }
}

function rawToken(
  data: { authorizationToken?: string | undefined; expiresAt?: Date | undefined } | undefined,
): RawToken {
  if (data === undefined) throw badToken('no authorization data returned');
  if (!data.authorizationToken) throw badToken('authorization token is nil');
  if (data.expiresAt === undefined) throw badToken('authorization token expiration is nil');
  return { token: data.authorizationToken, expiresAt: data.expiresAt.getTime() };
}

function decodeToken(token: string): { username: string; password: string } {
  const text = Buffer.from(token, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0 || text.indexOf(':', colon + 1) >= 0) throw badToken('invalid authorization token format');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function badToken(message: string): MillraceError {
  return new MillraceError('AWS_REFUSED', `ECR GetAuthorizationToken: ${message}`);
}
