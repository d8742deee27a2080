import { MillraceError } from '../base/error.ts';

/** A build that cannot be done because of its input. */
export function buildError(where: string, what: string, hint?: string): MillraceError {
  return new MillraceError('KUSTOMIZE_BUILD_FAILED', `${where}: ${what}`, {
    retry: 'never',
    ...(hint === undefined ? {} : { hint }),
  });
}
