import { parseAwsEnvironment } from '../../aws/environment.ts';
import { type AwsIdentities, createAwsIdentities } from '../../aws/identities.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ControllerDeps, ControllerName } from './controllers.ts';

const roleAnnotation = 'eks.amazonaws.com/role-arn';
/** STS takes no more than an hour of a token that the cluster made for it. */
const tokenSeconds = 3600;

/** AWS sessions of one controller: the role of the ServiceAccount of its name comes first (design decision 13). */
export function awsIdentitiesOf(component: ControllerName, deps: ControllerDeps): AwsIdentities {
  const { client, namespace, options, metrics, env } = deps;
  return createAwsIdentities({
    environment: parseAwsEnvironment(env),
    serviceAccounts: serviceAccounts(client),
    controllerServiceAccount: { namespace, name: component },
    allowNodeRole: options.allowNodeRole,
    cache: {
      maxSize: options.tokenCacheMaxSize,
      maxDurationMs: options.tokenCacheMaxDurationMs,
      observe: metrics.tokenCache,
    },
  });
}

function serviceAccounts(client: KubeClient) {
  return {
    async roleArn(serviceAccount: { namespace: string; name: string }, signal: AbortSignal) {
      const object = await client.get({ apiVersion: 'v1', kind: 'ServiceAccount', ...serviceAccount }, { signal });
      return object?.metadata.annotations?.[roleAnnotation];
    },
    async webIdentityToken(serviceAccount: { namespace: string; name: string }, audience: string, signal: AbortSignal) {
      const request = { audiences: [audience], expirationSeconds: tokenSeconds };
      return (await client.requestToken(serviceAccount, request, { signal })).token;
    },
  };
}
