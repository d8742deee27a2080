import { BatchDeleteImageCommand } from '@aws-sdk/client-ecr';
import type { PracticeFault } from './fault.ts';

export const noTags: PracticeFault = {
  code: 'no-tags',
  broken: 'The repository is empty: a lifecycle policy has expired every image.',
  pushes: [],
  inject: ({ ecr, model }) =>
    ecr.send(new BatchDeleteImageCommand({ repositoryName: model.repositories[0], imageIds: [{ imageTag: '1.0.0' }] })),
};
