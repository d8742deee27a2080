import { errorMessage, isMillraceError } from '../../base/error.ts';
import { SourceFault } from '../source/source-fault.ts';

/** Faults of git as conditions, with the texts of spec/source.md §4.4; what is one already passes. */
export async function withCheckoutFault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof SourceFault) throw cause;
    if (isMillraceError(cause, 'GIT_REPOSITORY_EMPTY')) {
      throw new SourceFault('EmptyGitRepository', 'git repository is empty', { cause });
    }
    const message = errorMessage(cause);
    const isSparse = message.startsWith('failed to sparse checkout');
    const text = isSparse ? message : `failed to checkout and determine revision: ${message}`;
    throw new SourceFault('GitOperationFailed', text, { cause });
  }
}
