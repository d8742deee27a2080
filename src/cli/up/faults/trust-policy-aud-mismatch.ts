import {
  AddClientIDToOpenIDConnectProviderCommand,
  RemoveClientIDFromOpenIDConnectProviderCommand,
} from '@aws-sdk/client-iam';
import type { PracticeFault } from './fault.ts';

export const trustPolicyAudMismatch: PracticeFault = {
  code: 'trust-policy-aud-mismatch',
  broken: 'The OIDC provider in IAM accepts the audience kubernetes.default.svc alone.',
  async inject({ iam, model }) {
    const provider = { OpenIDConnectProviderArn: model.provider.arn };
    await iam.send(new AddClientIDToOpenIDConnectProviderCommand({ ...provider, ClientID: 'kubernetes.default.svc' }));
    for (const ClientID of model.provider.clientIds)
      await iam.send(new RemoveClientIDFromOpenIDConnectProviderCommand({ ...provider, ClientID }));
  },
};
