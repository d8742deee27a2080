import type { PracticeFault } from './fault.ts';
import { changePolicy } from './places.ts';

export const ecrActionMissing: PracticeFault = {
  code: 'ecr-action-missing',
  broken: 'The policy has the three actions of a pull; ecr:ListImages, which a scan needs, is not among them.',
  inject: (site) =>
    changePolicy(site, (statements) => {
      for (const statement of statements) if (statement.Sid === 'ECRRead') statement.Action = pullActions;
    }),
};

const pullActions = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
