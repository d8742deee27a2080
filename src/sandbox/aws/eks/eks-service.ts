import type { RestService } from '../service.ts';
import { clusterArn, type EksContext, findCluster } from './eks-context.ts';
import { podIdentityRoutes } from './pod-identity.ts';

/** The Elastic Kubernetes Service, as far as it describes the sandbox's cluster and binds roles to its pods. */
export function eksService(context: EksContext): RestService {
  return {
    protocol: 'rest',
    name: 'eks',
    routes: [
      {
        method: 'GET',
        path: /^\/clusters$/,
        operation: 'ListClusters',
        run(_parts, _input, call) {
          call.require('eks:ListClusters', '*');
          return { clusters: context.cluster === undefined ? [] : [context.cluster.name] };
        },
      },
      {
        method: 'GET',
        path: /^\/clusters\/([^/]+)$/,
        operation: 'DescribeCluster',
        run([name = ''], _input, call) {
          call.require('eks:DescribeCluster', clusterArn(context, name));
          const { endpoint, caPem, issuer, version } = findCluster(context, name);
          return {
            cluster: {
              name,
              endpoint,
              version,
              arn: clusterArn(context, name),
              status: 'ACTIVE',
              identity: { oidc: { issuer } },
              certificateAuthority: { data: Buffer.from(caPem).toString('base64') },
              accessConfig: { authenticationMode: 'API' },
              tags: {},
            },
          };
        },
      },
      ...podIdentityRoutes(context),
    ],
  };
}
