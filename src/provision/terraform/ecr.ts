import type { Configuration } from '../configuration.ts';
import { type Block, block, commented, expression } from './hcl.ts';

/** Repositories that are created. */
export function ecrFile({ ecr }: Configuration): Block[] {
  if (ecr.create.length === 0) return [];
  return [
    commented(
      'A repository with images in it is not destroyed: ECR refuses, since force_delete is not set.',
      block('resource', ['aws_ecr_repository', 'created'], {
        for_each: expression('toset(var.ecr_create_repositories)'),
        name: expression('each.value'),
      }),
    ),
  ];
}
