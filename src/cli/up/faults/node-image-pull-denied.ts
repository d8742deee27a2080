import { DetachRolePolicyCommand } from '@aws-sdk/client-iam';
import { nodeRoleName } from '../../../sandbox/aws/start-aws.ts';
import type { PracticeFault } from './fault.ts';

export const nodeImagePullDenied: PracticeFault = {
  code: 'node-image-pull-denied',
  broken: 'The node role has lost its policy AmazonEC2ContainerRegistryPullOnly.',
  inject: ({ iam, model }) =>
    iam.send(new DetachRolePolicyCommand({ RoleName: nodeRoleName, PolicyArn: pullOnly(model.role.arn) })),
};

const pullOnly = (roleArn: string) => `arn:${roleArn.split(':')[1]}:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly`;
