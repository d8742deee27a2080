import { DeleteOpenIDConnectProviderCommand } from '@aws-sdk/client-iam';
import type { PracticeFault } from './fault.ts';

export const oidcProviderMissing: PracticeFault = {
  code: 'oidc-provider-missing',
  broken: "IAM has no OIDC provider for the cluster's issuer any more.",
  inject: ({ iam, model }) =>
    iam.send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: model.provider.arn })),
};
