import { issuerKey, oidcProviderArn } from '../../../iam/trust.ts';
import { AwsFault } from '../fault.ts';
import type { OidcProviderRecord } from '../iam-store.ts';
import type { XmlValue } from '../query-protocol.ts';
import type { AwsContext, QueryOperation } from '../service.ts';
import { entityExists, noSuchEntity } from './checks.ts';
import { pageOf } from './paging.ts';
import { tagList, withoutTags, withTags } from './tags.ts';

/** OpenID Connect providers: the issuers whose tokens STS takes. */
export function oidcProviderOperations({ account, clock, iam }: AwsContext): Record<string, QueryOperation> {
  const onProvider =
    (
      action: string,
      run: (provider: OidcProviderRecord, ...args: Parameters<QueryOperation>) => XmlValue | undefined,
    ): QueryOperation =>
    (params, call) => {
      const arn = params.required('OpenIDConnectProviderArn');
      call.require(action, arn);
      const provider = iam.oidcProviders.get(arn);
      if (provider === undefined) throw noSuchEntity(`OpenIDConnect Provider not found for arn ${arn}`);
      return run(provider, params, call);
    };
  const save = (provider: OidcProviderRecord) => iam.oidcProviders.set(provider.arn, provider);

  return {
    CreateOpenIDConnectProvider(params, call) {
      const url = params.required('Url');
      const arn = oidcProviderArn(account.partition, account.id, url);
      call.require('iam:CreateOpenIDConnectProvider', arn);
      if (!/^https:\/\/[^\s?#]+$/.test(url))
        throw new AwsFault('ValidationError', 'Invalid Open ID Connect Provider URL');
      if (iam.oidcProviders.has(arn)) throw entityExists(`Provider with url ${url} already exists.`);
      const provider: OidcProviderRecord = {
        arn,
        url,
        clientIds: params.list('ClientIDList'),
        thumbprints: params.list('ThumbprintList'),
        createdAt: clock.now(),
        tags: withTags([], params.structures('Tags', ['Key', 'Value'])),
      };
      save(provider);
      return { OpenIDConnectProviderArn: arn, Tags: tagList(provider.tags) };
    },

    GetOpenIDConnectProvider: onProvider('iam:GetOpenIDConnectProvider', (provider) => ({
      Url: issuerKey(provider.url),
      ClientIDList: provider.clientIds,
      ThumbprintList: provider.thumbprints,
      CreateDate: new Date(provider.createdAt),
      Tags: tagList(provider.tags),
    })),

    ListOpenIDConnectProviders(_params, call) {
      call.require('iam:ListOpenIDConnectProviders', `arn:${account.partition}:iam::${account.id}:oidc-provider/*`);
      return { OpenIDConnectProviderList: [...iam.oidcProviders.keys()].sort().map((Arn) => ({ Arn })) };
    },

    DeleteOpenIDConnectProvider: onProvider('iam:DeleteOpenIDConnectProvider', ({ arn }) => {
      iam.oidcProviders.delete(arn);
      return undefined;
    }),

    AddClientIDToOpenIDConnectProvider: onProvider('iam:AddClientIDToOpenIDConnectProvider', (provider, params) => {
      const clientId = params.required('ClientID');
      if (!provider.clientIds.includes(clientId)) save({ ...provider, clientIds: [...provider.clientIds, clientId] });
      return undefined;
    }),

    RemoveClientIDFromOpenIDConnectProvider: onProvider(
      'iam:RemoveClientIDFromOpenIDConnectProvider',
      (provider, params) => {
        const clientId = params.required('ClientID');
        save({ ...provider, clientIds: provider.clientIds.filter((id) => id !== clientId) });
        return undefined;
      },
    ),

    UpdateOpenIDConnectProviderThumbprint: onProvider(
      'iam:UpdateOpenIDConnectProviderThumbprint',
      (provider, params) => {
        save({ ...provider, thumbprints: params.list('ThumbprintList') });
        return undefined;
      },
    ),

    TagOpenIDConnectProvider: onProvider('iam:TagOpenIDConnectProvider', (provider, params) => {
      save({ ...provider, tags: withTags(provider.tags, params.structures('Tags', ['Key', 'Value'])) });
      return undefined;
    }),

    UntagOpenIDConnectProvider: onProvider('iam:UntagOpenIDConnectProvider', (provider, params) => {
      save({ ...provider, tags: withoutTags(provider.tags, params.list('TagKeys')) });
      return undefined;
    }),

    ListOpenIDConnectProviderTags: onProvider('iam:ListOpenIDConnectProviderTags', (provider, params) => {
      const { items, ...rest } = pageOf(provider.tags, params);
      return { Tags: tagList(items), ...rest };
    }),
  };
}
