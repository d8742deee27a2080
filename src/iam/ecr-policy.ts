import { formatArn } from './arn.ts';
import type { PolicyDocument } from './policy-document.ts';

/**
 * Least-privilege sets of ECR actions (spec/provisioning.md §2): `scan` lists tags, `scan+meta` also reads digests and push
 * times, `pull` fetches artifacts, `ptc` pulls through a cache rule, creating repositories as needed.
 */
export const ecrProfiles = {
  scan: ['ecr:ListImages'],
  'scan+meta': ['ecr:ListImages', 'ecr:BatchGetImage', 'ecr:DescribeImages'],
  pull: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer', 'ecr:ListImages'],
  ptc: [
    'ecr:BatchGetImage',
    'ecr:GetDownloadUrlForLayer',
    'ecr:ListImages',
    'ecr:BatchImportUpstreamImage',
    'ecr:CreateRepository',
  ],
} as const satisfies Record<string, readonly string[]>;

export type EcrProfile = keyof typeof ecrProfiles;

/** Registries by place, with repository names or patterns (`apps/*`) in them. */
export interface EcrScope {
  partition: string;
  region: string;
  account: string;
  repositories: readonly string[];
}

export function repositoryArn(
  { partition, region, account }: Omit<EcrScope, 'repositories'>,
  repository: string,
): string {
  return formatArn({ partition, service: 'ecr', region, account, resource: `repository/${repository}` });
}

/** The policy a scanner or puller needs: the login on `*` (it has no resource type), the rest on the repositories. */
export function ecrPolicy(profile: EcrProfile, scopes: readonly EcrScope[]): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'ECRAuthToken', Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' },
      {
        Sid: 'ECRRead',
        Effect: 'Allow',
        Action: [...ecrProfiles[profile]],
        Resource: scopes.flatMap((scope) => scope.repositories.map((repository) => repositoryArn(scope, repository))),
      },
    ],
  };
}
