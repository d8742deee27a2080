import type { JsonService } from '../service.ts';
import { getAuthorizationToken } from './authorization-token.ts';
import type { EcrContext } from './ecr-context.ts';
import { imageOperations } from './images.ts';
import { repositoryOperations } from './repositories.ts';

/** The Elastic Container Registry's API; images themselves travel over the registry protocol. */
export function ecrService(context: EcrContext): JsonService {
  return {
    protocol: 'json',
    name: 'ecr',
    contentType: 'application/x-amz-json-1.1',
    target: 'AmazonEC2ContainerRegistry_V20150921',
    operations: {
      GetAuthorizationToken: getAuthorizationToken(context),
      DescribeRegistry(_input, call) {
        call.require('ecr:DescribeRegistry', '*');
        return { registryId: context.account.id, replicationConfiguration: { rules: [] } };
      },
      ...repositoryOperations(context),
      ...imageOperations(context),
    },
  };
}
