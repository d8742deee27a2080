import type { CredentialCacheOptions } from '../../aws/credential-cache.ts';
import { createEcrLogins, type EcrLogins } from '../../aws/ecr-login.ts';
import { parseAwsEnvironment } from '../../aws/environment.ts';
import { type AwsIdentities, createAwsIdentities } from '../../aws/identities.ts';
import type { ServiceAccounts } from '../../aws/identity-sources.ts';
import { MillraceError } from '../../base/error.ts';
import type { BucketIdentities } from '../../controllers/bucket/bucket-credentials.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ControllerDeps, ControllerName } from './controllers.ts';

const roleAnnotation = 'eks.amazonaws.com/role-arn';
/** STS takes no more than an hour of a token that the cluster made for it. */
const tokenSeconds = 3600;

/** AWS sessions of one controller: the role of the ServiceAccount of its name comes first (design decision 13). */
export function awsIdentitiesOf(
  component: ControllerName,
  deps: ControllerDeps,
  stsEndpoint: string | undefined = undefined,
): AwsIdentities {
  const { client, namespace, options, env, logger } = deps;
  const environment = parseAwsEnvironment(env);
  const endpoints = stsEndpoint === undefined ? environment.endpoints : { ...environment.endpoints, sts: stsEndpoint };
  return createAwsIdentities({
    environment: { ...environment, endpoints },
    serviceAccounts: serviceAccountsOf(client),
    controllerServiceAccount: { namespace, name: component },
    allowNodeRole: options.allowNodeRole,
    cache: tokenCacheOf(deps),
    onSession({ identity, passedOver = [] }, region) {
      const { provider, arn } = identity;
      logger.info('AWS identity', { controller: component, region, source: provider, arn, passedOver });
    },
  });
}

/** ECR logins of one controller by its identities. */
export function ecrLoginsOf(identities: AwsIdentities, deps: ControllerDeps): EcrLogins {
  const { endpoints } = parseAwsEnvironment(deps.env);
  return createEcrLogins({ identities, endpoints, cache: tokenCacheOf(deps) });
}

function tokenCacheOf({ options, metrics }: ControllerDeps): CredentialCacheOptions {
  return {
    maxSize: options.tokenCacheMaxSize,
    maxDurationMs: options.tokenCacheMaxDurationMs,
    observe: metrics.tokenCache,
  };
}

/** Credentials for buckets. Those that name an STS endpoint of their own share their identities with no others. */
export function bucketIdentitiesOf(deps: ControllerDeps): BucketIdentities {
  const byEndpoint = new Map<string | undefined, AwsIdentities>();
  return {
    async credentials({ region, serviceAccount, stsEndpoint }, signal) {
      const identities = byEndpoint.get(stsEndpoint) ?? awsIdentitiesOf('source-controller', deps, stsEndpoint);
      byEndpoint.set(stsEndpoint, identities);
      const session = serviceAccount
        ? await identities.serviceAccount(serviceAccount, region, signal)
        : await identities.controller(region, signal);
      return session.credentials;
    },
  };
}

/** The cluster's answers about ServiceAccounts: their roles and tokens. */
export function serviceAccountsOf(client: KubeClient): ServiceAccounts {
  return {
    async roleArn(serviceAccount: { namespace: string; name: string }, signal: AbortSignal) {
      const object = await client.get({ apiVersion: 'v1', kind: 'ServiceAccount', ...serviceAccount }, { signal });
      if (object === undefined)
        throw new MillraceError('KUBE_NOT_FOUND', `serviceaccounts "${serviceAccount.name}" not found`);
      return object.metadata.annotations?.[roleAnnotation];
    },
    async webIdentityToken(serviceAccount: { namespace: string; name: string }, audience: string, signal: AbortSignal) {
      const request = { audiences: [audience], expirationSeconds: tokenSeconds };
      return (await client.requestToken(serviceAccount, request, { signal })).token;
    },
  };
}
