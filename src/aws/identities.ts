import { MillraceError } from '../base/error.ts';
import { formatKey, type ObjectKey } from '../base/kube-object.ts';
import { type CredentialCacheOptions, createCredentialCache } from './credential-cache.ts';
import type { AwsSession } from './identity.ts';
import {
  type AccountRef,
  accountSession,
  findIdentity,
  type IdentityFacts,
  type SourceAnswer,
} from './identity-sources.ts';
import { viaProxy } from './sdk-transport.ts';

export interface AwsIdentitiesOptions extends IdentityFacts {
  cache?: CredentialCacheOptions;
  /** Told of every new session, with what was passed over for it. */
  onSession?(session: AwsSession, region: string): void;
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
  serviceAccount(serviceAccount: AccountRef, region: string, signal: AbortSignal, proxy?: string): Promise<AwsSession>;
  /** Forgets the cached session because a service refused it as expired. */
  drop(serviceAccount: ObjectKey | undefined, region: string, proxy?: string): void;
}

export function createAwsIdentities(options: AwsIdentitiesOptions): AwsIdentities {
  const cache = createCredentialCache<AwsSession>(options.cache);
  const expiring = async (session: Promise<AwsSession>, region: string) => {
    const value = await session;
    options.onSession?.(value, region);
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
      const load = (deadline: AbortSignal) => expiring(firstSession(routed(proxy), region, deadline), region);
      return cache.get(cacheKey(undefined, region, proxy), load, signal);
    },
    serviceAccount(account, region, signal, proxy) {
      const load = (deadline: AbortSignal) =>
        expiring(accountSession(routed(proxy), account, region, deadline), region);
      return cache.get(cacheKey(account, region, proxy), load, signal);
    },
    drop: (account, region, proxy) => cache.drop(cacheKey(account, region, proxy)),
  };
}

async function firstSession(options: AwsIdentitiesOptions, region: string, signal: AbortSignal): Promise<AwsSession> {
  const { answers, session, error } = await findIdentity(options, region, signal);
  if (error !== undefined) throw error;
  const passedOver = answers.filter(({ verdict }) => verdict === 'lacking').map(formatAnswer);
  if (session !== undefined) return { ...session, passedOver };
  throw new MillraceError('AWS_NO_CREDENTIALS', `no AWS credentials (${passedOver.join('; ')})`, {
    hint: `Annotate the ServiceAccount ${options.controllerServiceAccount?.name ?? 'of the controller'} with eks.amazonaws.com/role-arn; no restart is needed.`,
  });
}

function formatAnswer({ source, detail }: SourceAnswer): string {
  return `${source}: ${detail}`;
}
